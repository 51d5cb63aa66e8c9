"""Many clients at once, and ends that come suddenly: what was acknowledged is there."""
import http.client
import json
import os
import signal
import socket
import sqlite3
import threading
import time
import unittest

from support import API, FILES, PATIENCE, Server, ServerTest, in_threads

WRITERS = 64


class Together(ServerTest):
    def test_64_writers(self):
        runs = [self.client.make_run() for _ in range(8)]

        def write(i):
            client = self.server.client()
            run_id = runs[i % len(runs)]
            for step in range(6):
                client.ok("POST", "runs/log-metric", {"run_id": run_id, "key": f"w{i}", "value": step,
                                                      "timestamp": 1, "step": step})
                # What is acknowledged is seen by the next request, on any connection.
                seen = client.ok("GET", "metrics/get-history", {"run_id": run_id, "metric_key": f"w{i}"})
                self.assertEqual(step + 1, len(seen["metrics"]))
            client.close()

        in_threads(WRITERS, write)
        keys = sum(len(self.client.ok("GET", "runs/get", {"run_id": run_id})["run"]["data"]["metrics"]) for run_id in runs)
        self.assertEqual(WRITERS, keys)

    def test_failures_are_each_ones_own(self):
        run_id = self.client.make_run()
        self.client.ok("POST", "runs/log-parameter", {"run_id": run_id, "key": "p", "value": "1"})

        def write(i):
            client = self.server.client()
            for k in range(5):
                bad = (i + k) % 3 == 0
                reply = client.call("POST", "runs/log-batch", {
                    "run_id": run_id, "tags": [{"key": f"t{i}.{k}", "value": "x"}],
                    "params": [{"key": "p", "value": "2" if bad else "1"}]})
                self.assertEqual(400 if bad else 200, reply.status)
            client.close()

        in_threads(24, write)
        tags = self.client.ok("GET", "runs/get", {"run_id": run_id})["run"]["data"]["tags"]
        kept = {tag["key"] for tag in tags if tag["key"].startswith("t")}
        self.assertEqual({f"t{i}.{k}" for i in range(24) for k in range(5) if (i + k) % 3}, kept)

    def test_the_same_name_at_once_is_one_experiment(self):
        made = []

        def create(_):
            client = self.server.client()
            made.append(client.call("POST", "experiments/create", {"name": "at once"}).status)
            client.close()

        in_threads(16, create)
        self.assertEqual([200] + [400] * 15, sorted(made))

    def test_idle_and_slow_connections_hold_nobody_up(self):
        idle = [socket.create_connection((self.server.host, self.server.port)) for _ in range(300)]
        for i, connection in enumerate(idle):
            connection.sendall((b"", b"POST ", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
                                b"POST " + API.encode() + b"runs/create HTTP/1.1\r\nHost: localhost\r\n"
                                b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")[i % 4])
        begun = time.monotonic()
        self.client.make_run()
        self.assertLess(time.monotonic() - begun, PATIENCE / 4)
        for connection in idle:
            connection.close()
        self.client.make_run()

    def test_malformed_requests(self):
        head = b"POST " + API.encode() + b"runs/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        for text in (b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"G" * 100000, b"GET / HTTP/1.1\r\nHost: " + b"x" * 2**20,
                     head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", head + b"Content-Length: -1\r\n\r\n{}",
                     head + b"Content-Length: 99999999999999999999999\r\n\r\n{}", head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
                     head + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", b"GET /%zz%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"GET /get-artifact?path=%ff&run_id=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with socket.create_connection((self.server.host, self.server.port), timeout=2) as connection:
                try:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                    answer = connection.recv(4096)
                except OSError:
                    answer = b""
                if answer or text.startswith(head) or b"%" in text:
                    self.assertTrue(answer, text[:60])
                    self.assertTrue(400 <= int(answer.split()[1]) < 600, (text[:60], answer[:100]))
        self.client.make_run()

    def test_bodies_are_bounded(self):
        reply = self.client.send("POST", API + "runs/search", b" " * (33 * 2**20), {"Content-Type": "application/json"})
        self.assertEqual(413, reply.status)
        self.reconnect()
        reply = self.client.send("POST", API + "runs/search", iter([b" " * 2**20] * 33), {"Content-Type": "application/json"})
        self.assertEqual(413, reply.status)
        self.reconnect()
        self.assertEqual(200, self.client.call("POST", "runs/search", {str(i): i for i in range(200000)}).status)


class Ends(unittest.TestCase):
    def start(self, *options):
        server = Server(*options)
        self.addCleanup(server.remove)
        return server

    def log_until_it_breaks(self, server, run_id, n_threads, then):
        """Each thread notes the steps whose requests were answered with 200."""
        acknowledged = [[] for _ in range(n_threads)]
        begun = threading.Barrier(n_threads + 1)

        def write(i):
            client = server.client()
            self.addCleanup(client.close)
            for step in range(100000):
                if step == 3:
                    begun.wait()
                fields = {"run_id": run_id, "metrics": [{"key": f"w{i}", "value": k, "timestamp": 1, "step": step}
                                                        for k in range(3)]}
                try:
                    reply = client.call("POST", "runs/log-batch", fields)
                except (OSError, http.client.HTTPException):
                    return
                if reply.status != 200:
                    self.assertEqual(503, reply.status)
                    return
                acknowledged[i].append(step)

        threads = [threading.Thread(target=write, args=(i,)) for i in range(n_threads)]
        for thread in threads:
            thread.start()
        begun.wait()
        then()
        for thread in threads:
            thread.join()
        return acknowledged

    def check_kept(self, server, run_id, acknowledged):
        with sqlite3.connect(f"{server.folder}/runs.db") as db:
            self.assertEqual("ok", db.execute("PRAGMA integrity_check").fetchone()[0])
            for i, steps in enumerate(acknowledged):
                self.assertGreaterEqual(len(steps), 3)
                there = dict(db.execute("SELECT step, count(*) FROM metrics WHERE key = ? AND run_uuid = ? GROUP BY step",
                                        (f"w{i}", run_id)))
                self.assertEqual(set(), set(steps) - set(there))  # nothing acknowledged is lost
                self.assertEqual({3}, set(there.values()))  # and batches are whole

    def test_killed_under_load(self):
        server = self.start("--access-log", "off")
        client = server.client()
        run_id = client.make_run()
        client.close()

        def kill():
            time.sleep(0.5)  # load, not an event to wait for
            server.stop(signal.SIGKILL)

        acknowledged = self.log_until_it_breaks(server, run_id, 8, kill)
        self.check_kept(server, run_id, acknowledged)
        again = Server(folder=server.folder, store=server.store)
        self.addCleanup(again.stop)
        client = again.client()
        self.addCleanup(client.close)
        info = client.ok("GET", "runs/get", {"run_id": run_id})["run"]["info"]
        self.assertEqual("RUNNING", info["status"])

    def test_stopped_under_load(self):
        server = self.start()
        client = server.client()
        run_id = client.make_run()
        client.close()
        codes = []
        acknowledged = self.log_until_it_breaks(server, run_id, 8, lambda: codes.append(server.stop()))
        self.assertEqual([0], codes)
        self.check_kept(server, run_id, acknowledged)
        self.assertIn("stopping", server.read_log())
        self.assertFalse(os.path.exists(f"{server.folder}/runs.db-wal") and os.path.getsize(f"{server.folder}/runs.db-wal"))

    def test_a_signal_right_after_the_start_is_an_orderly_end(self):
        for number in (signal.SIGTERM, signal.SIGINT) * 4:
            server = self.start()
            self.assertEqual(0, server.stop(number))
            self.assertIn("stopping", server.read_log())

    def test_a_request_that_is_being_sent_is_answered(self):
        server = self.start()
        client = server.client()
        run_id = client.make_run()
        target = f"{FILES}artifacts/0/{run_id}/artifacts/slow"
        client.connection.putrequest("PUT", target)
        client.connection.putheader("Content-Length", "10")
        client.connection.endheaders()
        client.connection.send(b"12345")
        stopped = []
        stopper = threading.Thread(target=lambda: stopped.append(server.stop()))
        stopper.start()
        while "stopping" not in server.read_log():
            time.sleep(0.01)
        client.connection.send(b"67890")
        self.assertEqual(200, client.connection.getresponse().status)
        client.close()
        stopper.join()
        self.assertEqual([0], stopped)
        with open(f"{server.folder}/mlartifacts/0/{run_id}/artifacts/slow", "rb") as file:
            self.assertEqual(b"1234567890", file.read())

    def test_a_store_that_somebody_locks(self):
        import fcntl
        server = self.start()
        client = server.client()
        self.addCleanup(client.close)
        run_id = client.make_run()
        with open(f"{server.folder}/runs.db.lock", "a", encoding="ascii") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            reply = client.call("POST", "runs/set-tag", {"run_id": run_id, "key": "k", "value": "v"})
            self.assertEqual((503, "TEMPORARILY_UNAVAILABLE", "1"),
                             (reply.status, reply.json["error_code"], reply.headers["Retry-After"]))
            client.ok("GET", "runs/get", {"run_id": run_id})
        client.ok("POST", "runs/set-tag", {"run_id": run_id, "key": "k", "value": "v"})

    def test_a_store_that_is_removed(self):
        server = self.start()
        client = server.client()
        self.addCleanup(client.close)
        run_id = client.make_run()
        os.rename(f"{server.folder}/runs.db", f"{server.folder}/elsewhere.db")
        reply = client.call("POST", "runs/set-tag", {"run_id": run_id, "key": "k", "value": "v"})
        self.assertEqual((500, "INTERNAL_ERROR"), (reply.status, reply.json["error_code"]))
        self.assertNotIn(server.folder, reply.json["message"])  # it is told in the log, by a number
        number = reply.json["message"].split()[2].rstrip(":")
        self.assertIn(f"internal error {number}", server.read_log())

    def test_the_access_log(self):
        server = self.start("--access-log", "json")
        client = server.client()
        client.send("GET", "/nope?x=%22%0a")
        client.close()
        self.assertEqual(0, server.stop(), server.read_log())
        self.assertIn("\n{", server.read_log())
        line = json.loads([line for line in server.read_log().splitlines() if line.startswith("{")][0])
        self.assertEqual(("GET", "/nope?x=%22%0a", 404, "127.0.0.1"),
                         tuple(line[key] for key in ("method", "target", "status", "client")))

    def test_the_folder_layout_is_served_too(self):
        import tempfile
        folder = tempfile.mkdtemp(prefix="muster-server-")
        server = Server(folder=folder, store=f"{folder}/mlruns")
        self.addCleanup(server.remove)
        client = server.client()
        self.addCleanup(client.close)
        run_id = client.make_run()
        client.ok("POST", "runs/log-metric", {"run_id": run_id, "key": "m", "value": 1, "timestamp": 1})
        self.assertEqual(1, len(client.ok("POST", "runs/search", {"experiment_ids": ["0"]})["runs"]))
        client.send("PUT", f"{FILES}artifacts/0/{run_id}/artifacts/a", b"x")
        self.assertEqual(1, len(client.ok("GET", "artifacts/list", {"run_id": run_id})["files"]))


if __name__ == "__main__":
    unittest.main()
