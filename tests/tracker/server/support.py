"""A muster server of one's own, and a client that sends what MLflow's Python client sends.

The tests are given the program to test by the environment's MUSTER.
"""
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

MUSTER = os.environ["MUSTER"]
PATIENCE = 120  # seconds: sanitizers and a busy machine are slow
API = "/api/2.0/mlflow/"
AJAX = "/ajax-api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/"

# What MLflow's client sends with every request.
HEADERS = {
    "User-Agent": "mlflow-python-client/3.6.0",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}


class Server:
    """`muster serve` on a free port, in a folder of its own."""

    def __init__(self, *options, folder=None, store=None):
        self.folder = folder or tempfile.mkdtemp(prefix="muster-server-")
        self.store = store or f"sqlite:///{self.folder}/runs.db"
        self.log = open(os.path.join(self.folder, "log"), "ab+")
        self.process = subprocess.Popen(
            [MUSTER, "serve", "-p", "0", "--json", "--backend-store-uri", self.store, *options],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith('{"url"'):
            raise AssertionError(f"no start line but {line!r}: {self.read_log()}")
        self.url = json.loads(line)["url"]
        parts = urllib.parse.urlsplit(self.url)
        self.host, self.port = parts.hostname, parts.port

    def read_log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            return log.read()

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        code = self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.log.close()
        return code

    def remove(self):
        code = self.process.poll()
        if code is None:
            code = self.stop()
        if code not in (0, -signal.SIGKILL):
            raise AssertionError(f"the server ended with {code}: {self.read_log()[-3000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self):
        return Client(self.host, self.port)


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """One connection that is kept alive."""

    def __init__(self, host, port):
        self.connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)

    def close(self):
        self.connection.close()

    def send(self, method, target, body=None, headers=None):
        self.connection.request(method, target, body, {**HEADERS, **(headers or {})})
        return Reply(self.connection.getresponse())

    def call(self, method, path, fields=None, base=API):
        """As rest_utils.http_request does: GET with a query, all else with a JSON body."""
        if method == "GET":
            query = urllib.parse.urlencode(fields or {}, doseq=True)
            return self.send(method, base + path + ("?" + query if query else ""))
        return self.send(method, base + path, json.dumps(fields or {}).encode(),
                         {"Content-Type": "application/json"})

    def ok(self, method, path, fields=None, base=API):
        reply = self.call(method, path, fields, base)
        if reply.status != 200:
            raise AssertionError(f"{method} {path} {fields}: {reply.status} {reply.body!r}")
        return reply.json

    def make_run(self, experiment_id="0", **fields):
        run = self.ok("POST", "runs/create", {"experiment_id": experiment_id,
                                              "user_id": "tester", "start_time": 1, **fields})
        return run["run"]["info"]["run_id"]


class ServerTest(unittest.TestCase):
    """One server for all tests of the class, one client for each."""

    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def setUp(self):
        self.reconnect()

    def reconnect(self, server=None):
        self.client = (server or self.server).client()
        self.addCleanup(self.client.close)

    def refused(self, method, path, fields, message, code="INVALID_PARAMETER_VALUE",
                status=400, base=API):
        reply = self.client.call(method, path, fields, base)
        self.assertEqual(status, reply.status, (path, fields, reply.body))
        self.assertEqual("application/json", reply.headers["Content-Type"])
        self.assertEqual(["error_code", "message"], sorted(reply.json))
        self.assertEqual(code, reply.json["error_code"], reply.json)
        self.assertIn(message, reply.json["message"])


def in_threads(n, work):
    """Runs work(i) in n threads and raises what the first of them raised."""
    failures = []

    def run(i):
        try:
            work(i)
        except BaseException as failure:  # told in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
