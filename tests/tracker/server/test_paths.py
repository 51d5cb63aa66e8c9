"""No request reads, changes or removes a file outside of the artifact folder."""
import os
import unittest
import urllib.parse

from support import AJAX, API, FILES, ServerTest

CANARY = "the canary lives"

CLIMBS = ["..", "../", "..\\", "..;", "..;/", "..%00", "...", "....", ".. ", "..#", "..?x", "．．", "‥", "․․",
          ".%2e", "%2e%2e", "%252e%252e", "%25252e%25252e", "%2e%2e%2f", "%2e%2e%5c", "%c0%ae%c0%ae", "..%c0%af",
          "..%252f", "..%5c", "..%255c", "..%ef%bc%8f", "..\u2215", "..\uff0f", "..\uff3c", "%uff0e%uff0e", "..%09",
          "..%0d%0a", ". .", "x/..", "./..", ".//..", "%2e/..", "x/../..", "x/%2e%2e/.."]
ABSOLUTE = ["/", "//", "///", "%2f", "%252f", "\\", "\\\\host\\", "//host/", "file://", "file:///", "file:", "C:\\", "C:/",
            "c:", "http://host/", "mlflow-artifacts:/", "#/", "?/", "%23/", "~/", "/proc/self/root/", "/dev/fd/0/"]


def names():
    """Some hundred ways to say where the canary is, relative to a run's artifacts or the root."""
    found = []
    for climb in CLIMBS:
        for depth, slash in ((1, "/"), (4, "/"), (4, "\\"), (2, "//")):
            found.append(slash.join([climb.rstrip("/\\")] * depth) + slash + "canary")
    for start in ABSOLUTE:
        found += [start + "{folder}/canary", start + "canary", "x/" + start + "canary"]
    return found


class Traversal(ServerTest):
    def setUp(self):
        super().setUp()
        self.folder = self.server.folder
        self.canaries = [os.path.join(self.folder, "canary"), os.path.join(self.folder, "mlartifacts-canary")]
        for path in self.canaries:
            with open(path, "w", encoding="ascii") as file:
                file.write(CANARY)
        self.run_id = self.client.make_run()
        self.root = f"0/{self.run_id}/artifacts"
        self.client.send("PUT", FILES + f"artifacts/{self.root}/x/inner", b"inner")

    def check(self, method, target, body=None, headers=None):
        reply = self.client.send(method, target, body, headers)
        self.assertIn(reply.status, (400, 404, 308), (method, target, reply.status, reply.body[:200]))
        self.assertNotIn(CANARY.encode(), reply.body, (method, target))
        return reply

    def canaries_live(self, what):
        for path in self.canaries:
            with open(path, encoding="ascii") as file:
                self.assertEqual(CANARY, file.read(), what)

    def test_no_way_out(self):
        tried = 0
        for name in names():
            name = name.replace("{folder}", self.folder.lstrip("/"))
            quoted = urllib.parse.quote(name)  # as a client sends it
            as_is = "".join(c if 0x20 < ord(c) < 0x7f and c not in "#?" else urllib.parse.quote(c) for c in name)
            for path in {quoted, as_is}:
                query = f"run_id={self.run_id}&path={path}"
                for target in (f"/get-artifact?{query}", f"{API}artifacts/list?{query}",
                               f"{FILES}artifacts/{path}", f"{FILES}artifacts/{self.root}/{path}",
                               f"{AJAX[:-7]}mlflow-artifacts/artifacts/{self.root}/{path}"):
                    listing = "artifacts/list" in target
                    reply = self.client.send("GET", target)
                    self.assertNotIn(CANARY.encode(), reply.body, target)
                    if listing and reply.status == 200:
                        self.assertNotIn("files", reply.json, target)  # a name that is merely odd
                    else:
                        self.assertIn(reply.status, (400, 404, 308), (target, reply.body[:100]))
                    tried += 1
                self.check("HEAD", f"{FILES}artifacts/{self.root}/{path}")
        self.assertGreater(tried, 1500)
        self.canaries_live("reading")

    def test_nothing_outside_is_written_or_removed(self):
        before = sorted(os.listdir(self.folder))
        for name in names():
            name = name.replace("{folder}", self.folder.lstrip("/"))
            path, flat = urllib.parse.quote(name), urllib.parse.quote(name, safe="")
            for target in (f"{FILES}artifacts/{self.root}/{path}", f"{FILES}artifacts/{flat}"):
                self.client.send("PUT", target, b"overwritten")
                self.client.send("DELETE", target)
            self.client.send("POST", f"{AJAX}upload-artifact?run_uuid={self.run_id}&path={path}", b"overwritten")
        self.canaries_live("writing")
        self.assertEqual(before, sorted(os.listdir(self.folder)))
        # what is not the whole root survived, too
        got = self.client.send("GET", f"{FILES}artifacts/{self.root}/x/inner")
        self.assertEqual((200, b"inner"), (got.status, got.body))

    def test_invalid_path_is_the_whole_message(self):
        for target in (f"/get-artifact?run_id={self.run_id}&path=../x",
                       f"{API}artifacts/list?run_id={self.run_id}&path=../",
                       f"{FILES}artifacts/..%2f..%2fx", f"{FILES}artifacts?path=../"):
            reply = self.client.send("GET", target)
            self.assertEqual((400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid path"}),
                             (reply.status, reply.json), target)

    def test_planted_files_are_not_there(self):
        inside = os.path.join(self.folder, "mlartifacts", self.root)
        os.symlink(self.folder, os.path.join(inside, "folder"))
        os.symlink(self.canaries[0], os.path.join(inside, "link"))
        os.mkfifo(os.path.join(inside, "pipe"))
        for name in ("link", "folder/canary", "pipe", "folder"):
            self.check("GET", f"/get-artifact?run_id={self.run_id}&path={name}")
            self.check("GET", f"{FILES}artifacts/{self.root}/{name}")
        self.assertIn(self.client.send("PUT", f"{FILES}artifacts/{self.root}/folder/canary", b"x").status, (400, 404))
        files = self.client.ok("GET", "artifacts/list", {"run_id": self.run_id})["files"]
        self.assertEqual(["x"], [file["path"] for file in files])
        self.assertNotIn("files", self.client.ok("GET", "artifacts/list", {"run_id": self.run_id, "path": "folder"}))
        self.assertEqual(200, self.client.send("DELETE", f"{FILES}artifacts/{self.root}").status)
        self.canaries_live("removing a tree with links")
        self.assertFalse(os.path.exists(inside))

    def test_locations_elsewhere_are_stored_and_never_opened(self):
        for i, location in enumerate((self.folder, f"file://{self.folder}", "/etc", "s3://bucket/x", f"{self.folder}/mlartifacts/..",
                                      "mlflow-artifacts:/../", "mlflow-artifacts://host/x", f"file://{self.folder}/mlartifacts/../",
                                      f"{self.folder}/mlartifacts-")):
            one = self.client.ok("POST", "experiments/create", {"name": f"e{i}", "artifact_location": location})["experiment_id"]
            stored = self.client.ok("GET", "experiments/get", {"experiment_id": one})["experiment"]["artifact_location"]
            self.assertEqual(location if ":" in location else os.path.abspath(location), stored)
            run_id = self.client.make_run(one)
            at = self.client.ok("GET", "runs/get", {"run_id": run_id})["run"]["info"]["artifact_uri"]
            if at.startswith("/") or at.startswith("file:///"):
                real = urllib.parse.unquote(at.replace("file://", ""))
                if real.startswith(self.folder) and ".." not in real:
                    os.makedirs(real, exist_ok=True)
                    with open(os.path.join(real, "secret"), "w", encoding="ascii") as file:
                        file.write(CANARY)
            self.check("GET", f"/get-artifact?run_id={run_id}&path=secret")
            self.check("GET", f"{API}artifacts/list?run_id={run_id}")
            self.check("POST", f"{AJAX}upload-artifact?run_uuid={run_id}&path=new", b"x")
        self.client.ok("POST", "registered-models/create", {"name": "m"})
        self.client.ok("POST", "model-versions/create", {"name": "m", "source": "s3://bucket/x"})
        self.check("GET", "/model-versions/get-artifact?name=m&version=1&path=canary")

    def test_local_roots_below_the_folder_are_served(self):
        inside = os.path.join(self.folder, "mlartifacts", "local")
        one = self.client.ok("POST", "experiments/create", {"name": "local", "artifact_location": inside})["experiment_id"]
        run_id = self.client.make_run(one)
        os.makedirs(f"{inside}/{run_id}/artifacts")
        with open(f"{inside}/{run_id}/artifacts/a.txt", "w", encoding="ascii") as file:
            file.write("a")
        self.assertEqual(b"a", self.client.send("GET", f"/get-artifact?run_id={run_id}&path=a.txt").body)

    def test_an_upload_is_there_whole_or_not(self):
        target = f"{FILES}artifacts/{self.root}/big"
        self.client.connection.putrequest("PUT", target)
        self.client.connection.putheader("Content-Length", "1000000")
        self.client.connection.endheaders()
        self.client.connection.send(b"x" * 5000)
        self.client.close()  # in the middle
        self.reconnect()
        self.assertEqual(404, self.client.send("GET", target).status)
        self.client.send("PUT", target, b"old")
        chunks = self.client.send("PUT", target, iter([b"ne", b"w" * 100000]))
        self.assertEqual(200, chunks.status)
        self.assertEqual(b"ne" + b"w" * 100000, self.client.send("GET", target).body)
        self.assertEqual(400, self.client.send("PUT", f"{FILES}artifacts/{self.root}/x", b"a folder").status)
        self.assertEqual(400, self.client.send("PUT", f"{target}/below-a-file", b"x").status)
        files = self.client.ok("GET", "artifacts/list", {"run_id": self.run_id})["files"]
        self.assertEqual(["big", "x"], [file["path"] for file in files])


if __name__ == "__main__":
    unittest.main()
