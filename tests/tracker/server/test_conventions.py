"""MLflow's conventions: types and defaults of requests, forms of replies, every error."""
import json
import unittest

from support import AJAX, API, FILES, ServerTest

NO_RUN = "0" * 32
JSON = {"Content-Type": "application/json"}


class Requests(ServerTest):
    def setUp(self):
        super().setUp()
        self.run_id = self.client.make_run()

    def metrics(self, key):
        return self.client.ok("GET", "metrics/get-history",
                              {"run_id": self.run_id, "metric_key": key}).get("metrics", [])

    def post(self, path, text, headers=JSON):
        return self.client.send("POST", API + path, text.encode(), headers)

    def test_every_endpoint_has_a_twin(self):
        for base in (API, AJAX):
            self.client.ok("GET", "runs/get", {"run_id": self.run_id}, base)
            self.client.ok("POST", "runs/search", {"experiment_ids": ["0"]}, base)
        self.assertEqual(200, self.client.send("GET", AJAX.replace("mlflow/", "mlflow-artifacts/artifacts")).status)

    def test_paths_and_methods(self):
        for target, status in (("/nope", 404), (API + "nope", 404), (API + "runs/get/", 404),
                               ("/graphql", 404), ("/api/3.0/mlflow/traces/search", 404),
                               (API + "gateway-proxy", 404), ("/api/2.0/mlflow", 404)):
            reply = self.client.send("GET", target)
            self.assertEqual(status, reply.status, target)
            self.assertTrue(reply.headers["Content-Type"].startswith("text/html"), target)
        reply = self.client.send("GET", API + "runs/create")
        self.assertEqual((405, "POST"), (reply.status, reply.headers["Allow"]))
        reply = self.client.send("OPTIONS", API + "experiments/search")
        self.assertEqual((200, {"GET", "POST"}), (reply.status, set(reply.headers["Allow"].split(", "))))
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)
        reply = self.client.send("GET", "/api//2.0/mlflow//runs/get?run_id=" + self.run_id)
        self.assertEqual((308, API + "runs/get?run_id=" + self.run_id), (reply.status, reply.headers["Location"]))
        self.assertEqual(404, self.client.send("GET", "//evil.example/api/2.0/mlflow").status)

    def test_fixed_pages(self):
        reply = self.client.send("GET", "/health")
        self.assertEqual((200, b"OK"), (reply.status, reply.body))
        self.assertRegex(self.client.send("GET", "/version").body, rb"^\d+\.\d+\.\d+$")
        reply = self.client.send("GET", "/")
        self.assertIn(b"/api/2.0/mlflow/", reply.body)
        head = self.client.send("HEAD", "/health")
        self.assertEqual((200, b"", "2"), (head.status, head.body, head.headers["Content-Length"]))
        for target in ("/", "/health", "/nope", API + "experiments/get?experiment_id=0"):
            headers = self.client.send("GET", target).headers
            self.assertEqual(("nosniff", "SAMEORIGIN"),
                             (headers["X-Content-Type-Options"], headers["X-Frame-Options"]))

    def test_content_types(self):
        body = json.dumps({"experiment_ids": ["0"]})
        for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON"):
            self.assertEqual(200, self.post("runs/search", body, {"Content-Type": kind}).status)
        for kind in ({"Content-Type": "text/plain"}, {}):
            reply = self.post("runs/search", body, kind)
            self.assertEqual((400, "INVALID_PARAMETER_VALUE"), (reply.status, reply.json["error_code"]))
        reply = self.client.send("DELETE", API + "registered-models/delete", b'{"name": "absent"}')
        self.assertEqual(404, reply.status)

    def test_bodies_that_are_odd(self):
        fields = {"run_id": self.run_id, "key": "twice", "value": 1, "timestamp": 1}
        self.assertEqual(200, self.post("runs/log-metric", json.dumps(json.dumps(fields))).status)
        self.assertEqual(1, len(self.metrics("twice")))
        for body in ("", "no json", "[1]", "3", "{\"run_id\": ", "\"text\"", "[" * 5000, "{\"a\":" * 5000):
            reply = self.post("runs/log-metric", body)
            self.assertEqual(400, reply.status, body[:20])
            self.assertIn("Missing value for required parameter 'run_id'", reply.json["message"])
        self.client.ok("POST", "runs/log-metric", {**fields, "unknown": {"deep": [1]}, "step": None})
        self.assertEqual(200, self.post("runs/search", "{}").status)

    def test_numbers_as_clients_send_them(self):
        base = f'"run_id": "{self.run_id}", "timestamp": "17", "step": '
        for step, stored in (("3", 3), ('"4"', 4), ("5.0", 5), ('"-9223372036854775808"', -2**63),
                             ("9223372036854775807", 2**63 - 1), ("null", 0)):
            self.assertEqual(200, self.post("runs/log-metric", '{%s%s, "key": "n", "value": 1}' % (base, step)).status)
            self.assertIn(stored, [point["step"] for point in self.metrics("n")])
        for i, (value, stored) in enumerate((("NaN", "NaN"), ('"NaN"', "NaN"), ("1e-7", 1e-7), ('"2.5"', 2.5),
                                             ("Infinity", 1.7976931348623157e308),
                                             ('"-Infinity"', -1.7976931348623157e308), ("true", None))):
            reply = self.post("runs/log-metric", '{%s%d, "key": "v%d", "value": %s}' % (base, i, i, value))
            self.assertEqual(400 if stored is None else 200, reply.status, value)
            if stored is not None:
                self.assertEqual([stored], [point["value"] for point in self.metrics(f"v{i}")])
        self.assertEqual({17}, {point["timestamp"] for point in self.metrics("n")})

    def test_ids_enums_and_booleans(self):
        found = self.client.ok("POST", "runs/search", {"experiment_ids": [0], "run_view_type": 3})
        self.assertTrue(found["runs"])
        self.client.ok("POST", "runs/search", {"experiment_ids": ["0"], "run_view_type": "NONSENSE"})
        self.assertEqual({}, self.client.ok("POST", "runs/search", {}))
        self.client.ok("POST", "runs/update", {"run_id": self.run_id, "status": 3})
        info = self.client.ok("GET", "runs/get", {"run_uuid": self.run_id})["run"]["info"]
        self.assertEqual("FINISHED", info["status"])
        for name in ("x", "0.5", "999999999999999999999", "-1", " 0"):
            self.assertIn(self.client.call("GET", "experiments/get", {"experiment_id": name}).status, (400, 404))

    def test_names_of_runs(self):
        info = self.client.ok("POST", "runs/update", {"run_id": self.run_id, "run_name": ""})["run_info"]
        self.assertRegex(info["run_name"], r"^[a-z]+-[a-z]+-\d+$")
        self.client.ok("POST", "runs/set-tag", {"run_id": self.run_id, "key": "mlflow.runName", "value": "neu"})
        run = self.client.ok("GET", "runs/get", {"run_id": self.run_id})["run"]
        self.assertEqual("neu", run["info"]["run_name"])
        run = self.client.ok("POST", "runs/create", {})["run"]["info"]
        self.assertEqual(("0", 0, ""), (run["experiment_id"], run["start_time"], run["user_id"]))


class Errors(ServerTest):
    def setUp(self):
        super().setUp()
        self.run_id = self.client.make_run()

    def test_missing_parameters(self):
        for method, path, fields, parameter in (
                ("POST", "experiments/create", {}, "name"),
                ("POST", "experiments/create", {"name": ""}, "name"),
                ("GET", "experiments/get", {}, "experiment_id"),
                ("GET", "experiments/get-by-name", {}, "experiment_name"),
                ("POST", "experiments/update", {"experiment_id": "0"}, "new_name"),
                ("POST", "experiments/set-experiment-tag", {"experiment_id": "0"}, "key"),
                ("GET", "runs/get", {}, "run_id"),
                ("POST", "runs/update", {}, "run_id"),
                ("POST", "runs/delete", {}, "run_id"),
                ("POST", "runs/log-metric", {"run_id": self.run_id}, "key"),
                ("POST", "runs/log-metric", {"run_id": self.run_id, "key": "k"}, "value"),
                ("POST", "runs/log-metric", {"run_id": self.run_id, "key": "k", "value": 1}, "timestamp"),
                ("POST", "runs/log-metric", {"run_id": self.run_id, "key": "k", "value": None, "timestamp": 1}, "value"),
                ("POST", "runs/log-parameter", {"run_id": self.run_id}, "key"),
                ("POST", "runs/set-tag", {"run_id": self.run_id}, "key"),
                ("POST", "runs/log-batch", {}, "run_id"),
                ("POST", "runs/log-batch", {"run_id": self.run_id, "metrics": [{}]}, "metrics[0].key"),
                ("POST", "runs/log-batch", {"run_id": self.run_id, "metrics": [
                    {"key": "a", "value": 1, "timestamp": 1}, {"key": "a", "value": 1}]}, "metrics[1].timestamp"),
                ("POST", "runs/log-batch", {"run_id": self.run_id, "params": [{}]}, "params[0].key"),
                ("POST", "runs/log-batch", {"run_id": self.run_id, "tags": [{"value": "x"}]}, "tags[0].key"),
                ("GET", "metrics/get-history", {"run_id": self.run_id}, "metric_key"),
                ("GET", "metrics/get-history-bulk-interval", {"metric_key": "m"}, "run_ids"),
                ("GET", "metrics/get-history-bulk-interval", {"run_ids": ["a"]}, "metric_key"),
                ("POST", "registered-models/create", {}, "name"),
                ("POST", "model-versions/create", {"name": "m"}, "source"),
                ("GET", "artifacts/list", {}, "run_id")):
            self.refused(method, path, fields, f"Missing value for required parameter '{parameter}'")

    def test_wrong_types(self):
        run = {"run_id": self.run_id}
        metric = {**run, "key": "k", "value": 1, "timestamp": 1}
        for path, fields, shown, parameter, python_type in (
                ("experiments/create", {"name": 3}, "3", "name", "int"),
                ("experiments/create", {"name": True}, "true", "name", "bool"),
                ("experiments/create", {"name": "x", "tags": "foo"}, '"foo"', "tags", "str"),
                ("runs/log-metric", {**metric, "value": "foo"}, '"foo"', "value", "str"),
                ("runs/log-metric", {**metric, "timestamp": "foo"}, '"foo"', "timestamp", "str"),
                ("runs/log-metric", {**metric, "step": "foo"}, '"foo"', "step", "str"),
                ("runs/log-metric", {**metric, "step": 1.5}, "1.5", "step", "float"),
                ("runs/log-metric", {**metric, "key": 3}, "3", "key", "int"),
                ("runs/log-parameter", {**run, "key": "k", "value": {"a": [1, 2]}}, '{"a":[1,2]}', "value", "dict"),
                ("runs/set-tag", {**run, "key": ["k"]}, '["k"]', "key", "list"),
                ("runs/log-batch", {**run, "metrics": "foo"}, '"foo"', "metrics", "str"),
                ("runs/log-batch", {**run, "params": {"a": 1}}, '{"a":1}', "params", "dict"),
                ("runs/log-batch", {**run, "tags": 7}, "7", "tags", "int"),
                ("runs/log-batch", {**run, "metrics": [{"key": "k", "value": "x", "timestamp": 1}]}, '"x"',
                 "metrics[0].value", "str"),
                ("runs/log-batch", {"run_id": 5}, "5", "run_id", "int"),
                ("runs/search", {"experiment_ids": "0"}, '"0"', "experiment_ids", "str"),
                ("runs/search", {"experiment_ids": ["0"], "order_by": "x"}, '"x"', "order_by", "str"),
                ("runs/search", {"experiment_ids": ["0"], "filter": 4}, "4", "filter", "int"),
                ("runs/search", {"max_results": 123456789}, "123456789", "max_results", "int"),
                ("runs/update", {**run, "status": "NONSENSE"}, '"NONSENSE"', "status", "str")):
            self.refused("POST", path, fields,
                         f"Invalid value {shown} for parameter '{parameter}' supplied. Hint: Value was of type "
                         f"'{python_type}'. See the API docs for more information about request parameters.")
        self.refused("POST", "experiments/create", {"name": "a\0b"}, "for parameter 'name' supplied")

    def test_what_is_not_there(self):
        gone = "RESOURCE_DOES_NOT_EXIST"
        for method, path, fields, message in (
                ("GET", "experiments/get", {"experiment_id": "999"}, "No Experiment with id="),
                ("POST", "runs/create", {"experiment_id": "999"}, "No Experiment with id="),
                ("GET", "runs/get", {"run_id": NO_RUN}, f"Run with id={NO_RUN} not found"),
                ("POST", "runs/log-metric", {"run_id": NO_RUN, "key": "k", "value": 1, "timestamp": 1}, "not found"),
                ("POST", "runs/delete-tag", {"run_id": self.run_id, "key": "nope"}, "No tag with name: nope"),
                ("POST", "runs/delete", {"run_id": NO_RUN}, "not found"),
                ("GET", "artifacts/list", {"run_id": NO_RUN}, "not found"),
                ("GET", "registered-models/get", {"name": "nope"}, "Registered Model "),
                ("GET", "model-versions/get", {"name": "nope", "version": "1"}, "Model Version ")):
            self.refused(method, path, fields, message, gone, 404)

    def test_rules_of_values(self):
        run = {"run_id": self.run_id}
        batch = lambda **lists: {**run, **lists}
        many = lambda n: [{"key": f"k{i}", "value": "1"} for i in range(n)]
        points = lambda n: [{"key": "k", "value": 1, "timestamp": 1, "step": i} for i in range(n)]
        self.client.ok("POST", "runs/log-parameter", {**run, "key": "p", "value": "1"})
        for path, fields, message in (
                ("runs/log-parameter", {**run, "key": "p", "value": "2"}, "Changing param values is not allowed"),
                ("runs/log-batch", batch(params=[{"key": "p", "value": "2"}]), "Changing param values is not allowed"),
                ("runs/log-batch", batch(params=many(2) + many(1)), "Duplicate parameter keys have been submitted"),
                ("runs/log-batch", batch(metrics=points(1001)),
                 "A batch logging request can contain at most 1000 metrics. Got 1001 metrics."),
                ("runs/log-batch", batch(params=many(101)),
                 "A batch logging request can contain at most 100 params. Got 101 params."),
                ("runs/log-batch", batch(tags=many(101)),
                 "A batch logging request can contain at most 100 tags. Got 101 tags."),
                ("runs/log-batch", batch(metrics=points(950), tags=many(51)),
                 "A batch logging request can contain at most 1000 metrics, params, and tags. Got 1001"),
                ("runs/log-metric", {**run, "key": "a!", "value": 1, "timestamp": 1},
                 "for parameter 'name' supplied: Names may only contain alphanumerics, underscores"),
                ("runs/log-batch", batch(metrics=points(1) + [{"key": "a/../b", "value": 1, "timestamp": 1}]),
                 "for parameter 'metrics[1].name' supplied: Names may be treated as files in certain cases"),
                ("runs/set-tag", {**run, "key": "x" * 251, "value": ""}, "exceeds the maximum length of 250 characters"),
                ("experiments/create", {"name": "x" * 501}, "'name' exceeds the maximum length of 500 characters"),
                ("runs/log-metric", {**run, "key": "t", "value": 1, "timestamp": -1}, "-1"),
                ("runs/log-batch", {"run_id": "../x"}, "Invalid run ID"),
                ("runs/create", {"run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}, "mlflow.runName"),
                ("runs/search", {"experiment_ids": ["0"], "filter": "metrics.a ~ 1"}, ""),
                ("runs/search", {"experiment_ids": ["0"], "page_token": "zzz"}, "Invalid page token"),
                ("runs/search", {"experiment_ids": ["0"], "max_results": 0}, "max_results"),
                ("experiments/search", {}, "max_results"),
                ("experiments/search", {"max_results": 50001}, "max_results")):
            self.refused("POST", path, fields, message)
        self.client.ok("POST", "runs/delete", run)
        for path, fields in (("runs/set-tag", {"key": "k", "value": "v"}), ("runs/update", {"status": "FINISHED"}),
                             ("runs/log-metric", {"key": "k", "value": 1, "timestamp": 1}),
                             ("runs/log-batch", {"tags": [{"key": "k", "value": "v"}]})):
            self.refused("POST", path, {**run, **fields}, f"The run {self.run_id} must be in")

    def test_histories(self):
        bulk, interval = "metrics/get-history-bulk", "metrics/get-history-bulk-interval"
        self.refused("GET", bulk, {"metric_key": "m"}, "GetMetricHistoryBulk request must specify at least one run_id.", base=AJAX)
        self.refused("GET", bulk, {"run_id": ["a"] * 101, "metric_key": "m"}, "cannot specify more than", base=AJAX)
        self.refused("GET", bulk, {"run_id": "a"}, "GetMetricHistoryBulk request must specify a metric_key.", base=AJAX)
        self.refused("GET", interval, {"run_ids": ["a"] * 101, "metric_key": "m"},
                     "GetMetricHistoryBulkInterval request must specify at most 100 run_ids.")
        run = {"run_ids": self.run_id, "metric_key": "m"}
        for n in (0, 2501):
            self.refused("GET", interval, {**run, "max_results": n}, "max_results must be between 1 and 2500")
        self.refused("GET", interval, {**run, "start_step": 1},
                     "If either start step or end step are specified, both must be specified.")
        self.refused("GET", interval, {**run, "start_step": 4, "end_step": 3}, "end_step must be greater than start_step. ")
        self.refused("POST", "experiments/search-datasets", {},
                     "SearchDatasets request must specify at least one experiment_id.", base=AJAX)
        self.refused("POST", "experiments/search-datasets", {"experiment_ids": [str(i) for i in range(21)]},
                     "SearchDatasets request cannot specify more than", base=AJAX)

    def test_registry(self):
        self.client.ok("POST", "registered-models/create", {"name": "e"})
        self.refused("GET", "model-versions/get", {"name": "e", "version": "x"},
                     "Parameter 'version' must be an integer, got 'x'")
        self.refused("GET", "registered-models/alias", {"name": "e", "alias": "none"}, "alias")
        self.refused("POST", "registered-models/alias", {"name": "e", "alias": "latest", "version": "1"}, "reserved")

    def test_deleted_experiments(self):
        one = self.client.ok("POST", "experiments/create", {"name": "gone"})["experiment_id"]
        self.client.ok("POST", "experiments/delete", {"experiment_id": one})
        self.refused("POST", "runs/create", {"experiment_id": one}, "must be in the 'active' state")
        self.refused("POST", "experiments/set-experiment-tag", {"experiment_id": one, "key": "k", "value": "v"}, "active")
        self.refused("POST", "experiments/update", {"experiment_id": one, "new_name": "x"}, "", "INVALID_STATE")
        self.refused("POST", "experiments/delete", {"experiment_id": one}, "", "RESOURCE_DOES_NOT_EXIST", 404)
        self.refused("POST", "experiments/update", {"experiment_id": "0", "new_name": "gone"}, "already exists", "BAD_REQUEST")

    def test_uploads_of_browsers(self):
        upload = AJAX + "upload-artifact"
        for query, body, message in (("", b"x", "Request must specify run_uuid."),
                                     (f"?run_uuid={self.run_id}", b"x", "Request must specify path."),
                                     (f"?run_uuid={self.run_id}&path=a", b"", "Request must specify data."),
                                     (f"?run_uuid={self.run_id}&path=../a", b"x", "Invalid path")):
            reply = self.client.send("POST", upload + query, body)
            self.assertEqual((400, message), (reply.status, reply.json["message"]))
        reply = self.client.send("POST", f"{upload}?run_uuid={self.run_id}&path=d/a.json", b"{}")
        self.assertEqual((200, b""), (reply.status, reply.body))
        reply = self.client.send("POST", f"{upload}?run_uuid={self.run_id}&path=big", b"x" * (10 * 2**20 + 1))
        self.assertEqual(413, reply.status)
        self.reconnect()
        got = self.client.send("GET", f"/get-artifact?run_id={self.run_id}&path=d/a.json")
        self.assertEqual((200, b"{}"), (got.status, got.body))

    def test_multipart_is_declined(self):
        for step in ("create", "complete", "abort"):
            reply = self.client.call("POST", f"mpu/{step}/1/x", {"path": "x", "num_parts": 2}, FILES)
            self.assertEqual((501, "NOT_IMPLEMENTED"), (reply.status, reply.json["error_code"]))

    def test_downloads(self):
        target = FILES + f"artifacts/0/{self.run_id}/artifacts/page.html"
        self.client.send("PUT", target, b"<script>alert(1)</script>")
        for at in (target, f"/get-artifact?run_id={self.run_id}&path=page.html"):
            reply = self.client.send("GET", at)
            self.assertEqual("attachment; filename=page.html", reply.headers["Content-Disposition"])
            self.assertTrue(reply.headers["Content-Type"].startswith("text/html"))
            self.assertIn("sandbox", reply.headers["Content-Security-Policy"])
            again = self.client.send("GET", at, headers={"If-None-Match": reply.headers["ETag"]})
            self.assertEqual((304, b""), (again.status, again.body))
        for name, kind in (("a.py", "text/plain"), ("MLmodel", "text/plain"), ("a.png", "image/png"), ("a", "application/octet-stream")):
            self.client.send("PUT", target.replace("page.html", name), b"x")
            self.assertTrue(self.client.send("GET", target.replace("page.html", name)).headers["Content-Type"].startswith(kind))
        reply = self.client.send("GET", f"/get-artifact?run_id={self.run_id}&path=absent")
        self.assertEqual((404, "RESOURCE_DOES_NOT_EXIST"), (reply.status, reply.json["error_code"]))
        self.assertEqual({}, self.client.send("DELETE", target).json)
        self.assertEqual(404, self.client.send("GET", target).status)
        self.assertEqual({}, self.client.send("DELETE", target).json)


class ReadOnly(ServerTest):
    OPTIONS = ("--no-serve-artifacts",)

    def test_artifacts_may_be_off(self):
        run = self.client.ok("POST", "runs/create", {})["run"]["info"]
        self.assertEqual(f"{self.server.folder}/mlartifacts/0/{run['run_id']}/artifacts", run["artifact_uri"])
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(503, self.client.send(method, FILES + "artifacts/1/x", b"").status)
            self.reconnect()

    def test_nothing_is_changed_when_read_only(self):
        from support import Server
        run_id = self.client.make_run()
        reader = Server("--read-only", folder=self.server.folder, store=self.server.store)
        self.addCleanup(reader.stop)
        self.reconnect(reader)
        self.client.ok("GET", "runs/get", {"run_id": run_id})
        self.refused("POST", "runs/set-tag", {"run_id": run_id, "key": "k", "value": "v"}, "--read-only",
                     "PERMISSION_DENIED", 403)
        self.assertEqual(403, self.client.send("PUT", FILES + "artifacts/1/x", b"x").status)


if __name__ == "__main__":
    unittest.main()
