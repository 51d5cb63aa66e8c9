"""What a browser can be tricked into: names that were rebound, pages of other sites."""
import socket
import unittest

from support import AJAX, API, FILES, Server, ServerTest

CREATE = b'{"name": "made by a page"}'
JSON = {"Content-Type": "application/json"}


class Browsers(ServerTest):
    OPTIONS = ("--allowed-hosts", "tracker.example.org,*.lab.example:81", "--cors-allowed-origins", "https://app.example.org")

    def status(self, host, target="/", method="GET", body=None, **headers):
        return self.client.send(method, target, body, {"Host": host, **headers})

    def test_hosts(self):
        for host in ("localhost", "LOCALHOST:99", "127.0.0.1", "127.0.0.1:5000", "[::1]", "[::1]:80", "0.0.0.0:1",
                     "192.168.1.7", "10.0.0.3:8080", "172.31.0.1", "[fd00::1]:5", "tracker.example.org",
                     "Tracker.Example.ORG:444", "tracker.example.org.", "a.lab.example:81", "a.b.lab.example:81"):
            self.assertEqual(200, self.status(host).status, host)
        for host in ("evil.com", "10.1.2.3.evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "localhost:", "localhost:x",
                     "evil.com:5000", "8.8.8.8", "172.32.0.1", "[2001:db8::1]", "[::1", "[::1]x", "localhost/..", "a@localhost",
                     "localhost:80:80", "xtracker.example.org", "tracker.example.org.evil.com", "lab.example:81",
                     "a.lab.example", "alab.example:81", "0x7f000001", "127.1", "localhost evil.com", "[fd00::1%25eth0]"):
            reply = self.status(host)
            self.assertEqual(403, reply.status, host)
            self.assertTrue(reply.body.startswith(b"Invalid Host header - possible DNS rebinding attack detected"))
            self.assertIn(b"--allowed-hosts", reply.body)
            self.assertEqual(403, self.status(host, "/nope").status)
            self.assertEqual(200, self.status(host, "/health").status)
            self.assertEqual(200, self.status(host, "/version").status)
        self.assertIn("--allowed-hosts", self.server.read_log())

    def test_origins(self):
        here = f"127.0.0.1:{self.server.port}"
        made = 0
        for target, method, body in ((API + "experiments/create", "POST", None), (AJAX + "experiments/create", "POST", None),
                                     (FILES + "artifacts/1/x", "PUT", b"x"), (AJAX + "upload-artifact", "POST", b"x"),
                                     (FILES + "artifacts/1/x", "DELETE", None), ("/graphql", "POST", b"{}"),
                                     (API + "registered-models/update", "PATCH", None)):
            for headers, allowed in (({"Origin": "http://evil.com"}, False), ({"Origin": "null"}, False),
                                     ({"Origin": "http://localhost.evil.com"}, False),
                                     ({"Origin": f"http://{here}.evil.com"}, False),
                                     ({"Origin": "http://127.0.0.1@evil.com"}, False),
                                     ({"Origin": "ftp://localhost"}, False), ({"Origin": ""}, False),
                                     ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False),
                                     ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True),
                                     ({}, True), ({"Origin": f"http://{here}"}, True),
                                     ({"Origin": "http://localhost:3000"}, True), ({"Origin": "https://app.example.org"}, True),
                                     ({"Origin": "https://app.example.org.evil.com"}, False)):
                made += 1
                sent = body or f'{{"name": "n{made}"}}'.encode()
                reply = self.status(here, target, method, sent, **JSON, **headers)
                if allowed:
                    self.assertNotEqual(403, reply.status, (target, headers))
                else:
                    self.assertEqual((403, b"Cross-origin request blocked\n"), (reply.status, reply.body), (target, headers))
                self.assertNotIn("Access-Control-Allow-Origin", reply.headers)
        self.assertEqual(200, self.status(here, Origin="http://evil.com").status)
        # a page of this machine is no friend of a server that is asked for by another name
        reply = self.status("tracker.example.org", API + "experiments/create", "POST", CREATE, Origin="http://localhost:3000", **JSON)
        self.assertEqual(403, reply.status)

    def test_requests_without_a_host(self):
        for text, status in ((b"GET / HTTP/1.1\r\n\r\n", (400, 403)), (b"GET / HTTP/1.0\r\n\r\n", (400, 403))):
            with socket.create_connection((self.server.host, self.server.port)) as connection:
                connection.sendall(text)
                self.assertIn(int(connection.recv(4096).split()[1]), status)


class Prefix(ServerTest):
    OPTIONS = ("--static-prefix", "/p")

    def test_browsers_paths_have_it(self):
        self.assertTrue(self.server.url.endswith("/p"))
        for target, status in (("/p/health", 200), ("/p/", 200), ("/p" + AJAX + "experiments/get?experiment_id=0", 200),
                               (API + "experiments/get?experiment_id=0", 200), ("/p" + API + "experiments/get?experiment_id=0", 404),
                               ("/px/health", 404), ("/p/nope", 404)):
            self.assertEqual(status, self.client.send("GET", target).status, target)


class Addresses(unittest.TestCase):
    def test_other_hosts_want_to_be_insisted_on(self):
        import subprocess
        from support import MUSTER
        for host in ("0.0.0.0", "::"):
            done = subprocess.run([MUSTER, "serve", "-h", host, "-p", "0", "--backend-store-uri", "sqlite:////nonexistent/x.db"],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(2, done.returncode)
            self.assertIn("--no-auth", done.stderr)
        server = Server("-h", "0.0.0.0", "--no-auth")
        self.addCleanup(server.remove)
        client = server.client()
        self.assertEqual(200, client.send("GET", "/health").status)
        client.close()


if __name__ == "__main__":
    unittest.main()
