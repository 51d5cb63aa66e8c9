"""Whole sessions, request by request as MLflow's Python client makes them."""
import json
import re
import unittest
import urllib.parse

from support import AJAX, API, FILES, ServerTest


class Tracking(ServerTest):
    def test_a_training_script(self):
        client = self.client
        # set_experiment
        self.refused("GET", "experiments/get-by-name", {"experiment_name": "cats"},
                     "Could not find experiment with name 'cats'", "RESOURCE_DOES_NOT_EXIST", 404)
        experiment_id = client.ok("POST", "experiments/create", {"name": "cats"})["experiment_id"]
        experiment = client.ok("GET", "experiments/get", {"experiment_id": experiment_id})["experiment"]
        self.assertEqual("active", experiment["lifecycle_stage"])
        self.assertEqual(f"mlflow-artifacts:/{experiment_id}", experiment["artifact_location"])
        self.assertIsInstance(experiment["creation_time"], int)
        self.assertNotIn("tags", experiment)
        # start_run
        run = client.ok("POST", "runs/create", {
            "experiment_id": experiment_id, "user_id": "me", "start_time": 1700000000000,
            "tags": [{"key": "mlflow.user", "value": "me"},
                     {"key": "mlflow.source.name", "value": "train.py"},
                     {"key": "mlflow.source.type", "value": "LOCAL"}],
            "run_name": "first"})["run"]
        info = run["info"]
        run_id = info["run_id"]
        self.assertRegex(run_id, "^[0-9a-f]{32}$")
        self.assertEqual(run_id, info["run_uuid"])
        self.assertEqual("RUNNING", info["status"])
        self.assertEqual("first", info["run_name"])
        self.assertEqual(1700000000000, info["start_time"])
        self.assertNotIn("end_time", info)
        self.assertEqual(f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts", info["artifact_uri"])
        self.assertEqual({}, run["inputs"])
        self.assertNotIn("outputs", run)
        self.assertNotIn("metrics", run["data"])
        # log_param, log_params, log_metric, log_metrics, set_tag
        both = {"run_id": run_id, "run_uuid": run_id}
        self.assertEqual({}, client.ok("POST", "runs/log-parameter", {**both, "key": "lr", "value": "0.1"}))
        client.ok("POST", "runs/log-batch", {"run_id": run_id, "metrics": [], "tags": [],
                                             "params": [{"key": "a/b", "value": "1"}]})
        client.ok("POST", "runs/log-metric", {**both, "key": "loss", "value": 3, "timestamp": 5,
                                              "step": 0, "model_id": None, "dataset_name": None,
                                              "dataset_digest": None})
        client.ok("POST", "runs/log-batch", {"run_id": run_id, "params": [], "tags": [], "metrics": [
            {"key": "loss", "value": 0.1, "timestamp": 6, "step": 1},
            {"key": "nan", "value": "NaN", "timestamp": 6, "step": 1}]})
        client.ok("POST", "runs/set-tag", {**both, "key": "note", "value": "über \U0001f600"})
        # log_artifact, log_input, end_run
        target = FILES + f"artifacts/{experiment_id}/{run_id}/artifacts/" + urllib.parse.quote("plots/a b.txt")
        self.assertEqual(b"{}", client.send("PUT", target, b"hello").body)
        client.ok("POST", "runs/log-inputs", {"run_id": run_id, "datasets": [
            {"tags": [{"key": "mlflow.data.context", "value": "training"}],
             "dataset": {"name": "rows", "digest": "abc", "source_type": "local",
                         "source": "{\"uri\": \"x.csv\"}", "profile": "{}"}}]})
        info = client.ok("POST", "runs/update", {**both, "status": "FINISHED", "end_time": 1700000001000})
        self.assertEqual("FINISHED", info["run_info"]["status"])
        self.assertEqual(1700000001000, info["run_info"]["end_time"])
        # get_run
        run = client.ok("GET", "runs/get", {"run_uuid": run_id, "run_id": run_id})["run"]
        self.assertEqual([{"key": "loss", "value": 0.1, "timestamp": 6, "step": 1},
                          {"key": "nan", "value": "NaN", "timestamp": 6, "step": 1}],
                         run["data"]["metrics"])
        self.assertEqual([{"key": "a/b", "value": "1"}, {"key": "lr", "value": "0.1"}],
                         run["data"]["params"])
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        self.assertEqual("über \U0001f600", tags["note"])
        self.assertEqual("first", tags["mlflow.runName"])
        self.assertEqual([{"tags": [{"key": "mlflow.data.context", "value": "training"}],
                           "dataset": {"name": "rows", "digest": "abc", "source_type": "local",
                                       "source": "{\"uri\": \"x.csv\"}", "profile": "{}"}}],
                         run["inputs"]["dataset_inputs"])
        self.assertEqual({}, run["outputs"])
        # search_runs, get_metric_history, list_artifacts, download_artifacts
        found = client.ok("POST", "runs/search", {
            "experiment_ids": [experiment_id], "filter": "metrics.loss < 1 and params.lr = '0.1'",
            "run_view_type": "ACTIVE_ONLY", "max_results": 1000, "order_by": ["metrics.loss ASC"]})
        self.assertEqual([run], found["runs"])
        self.assertNotIn("next_page_token", found)
        history = client.ok("GET", "metrics/get-history", {**both, "metric_key": "loss",
                                                           "max_results": 25000})
        self.assertEqual([3.0, 0.1], [point["value"] for point in history["metrics"]])
        raw = client.call("GET", "metrics/get-history", {"run_id": run_id, "metric_key": "loss"}).body
        self.assertIn(b'"value": 3.0', raw)
        listed = client.ok("GET", "artifacts/list", {**both, "path": "plots"})
        self.assertEqual([{"path": "plots/a b.txt", "is_dir": False, "file_size": 5}], listed["files"])
        self.assertEqual(info["run_info"]["artifact_uri"], listed["root_uri"])
        listed = client.ok("GET", "artifacts", {"path": f"{experiment_id}/{run_id}/artifacts/plots"}, FILES)
        self.assertEqual([{"path": "a b.txt", "is_dir": False, "file_size": 5}], listed["files"])
        self.assertEqual(b"hello", client.send("GET", target).body)
        # delete and restore
        client.ok("POST", "runs/delete", {"run_id": run_id})
        self.assertEqual({}, client.ok("POST", "runs/search", {"experiment_ids": [experiment_id]}))
        client.ok("POST", "runs/restore", {"run_id": run_id})
        self.assertEqual(1, len(client.ok("POST", "runs/search", {"experiment_ids": [experiment_id]})["runs"]))

    def test_experiments(self):
        client = self.client
        one = client.ok("POST", "experiments/create",
                        {"name": "one", "artifact_location": "s3://bucket/x",
                         "tags": [{"key": "team", "value": "a"}]})["experiment_id"]
        run_id = client.make_run(one)
        client.ok("POST", "experiments/update", {"experiment_id": one, "new_name": "uno"})
        client.ok("POST", "experiments/set-experiment-tag", {"experiment_id": one, "key": "k", "value": "v"})
        client.ok("POST", "experiments/delete-experiment-tag", {"experiment_id": one, "key": "team"})
        got = client.ok("GET", "experiments/get", {"experiment_id": one})["experiment"]
        self.assertEqual(("uno", "s3://bucket/x", [{"key": "k", "value": "v"}]),
                         (got["name"], got["artifact_location"], got["tags"]))
        info = client.ok("GET", "runs/get", {"run_id": run_id})["run"]["info"]
        self.assertEqual(f"s3://bucket/x/{run_id}/artifacts", info["artifact_uri"])
        client.ok("POST", "experiments/delete", {"experiment_id": one})
        got = client.ok("GET", "experiments/get-by-name", {"experiment_name": "uno"})["experiment"]
        self.assertEqual("deleted", got["lifecycle_stage"])
        info = client.ok("GET", "runs/get", {"run_id": run_id})["run"]["info"]
        self.assertEqual("deleted", info["lifecycle_stage"])
        for view, there in (("ACTIVE_ONLY", False), ("DELETED_ONLY", True), ("ALL", True), (3, True)):
            found = client.ok("POST", "experiments/search", {"max_results": 50000, "view_type": view,
                                                             "filter": "name = 'uno'"})
            self.assertEqual(there, "experiments" in found, view)
        self.refused("POST", "experiments/create", {"name": "uno"}, "Experiment(name=uno) already exists",
                     "RESOURCE_ALREADY_EXISTS")
        client.ok("POST", "experiments/restore", {"experiment_id": one})
        for i in range(5):
            client.ok("POST", "experiments/create", {"name": f"paged {i}"})
        names, token = [], None
        while token != "":
            page = client.ok("GET", "experiments/search",
                             {"max_results": 2, "filter": "name LIKE 'paged%'", "order_by": ["name DESC"],
                              **({"page_token": token} if token else {})})
            names += [experiment["name"] for experiment in page.get("experiments", [])]
            token = page.get("next_page_token", "")
        self.assertEqual([f"paged {i}" for i in (4, 3, 2, 1, 0)], names)

    def test_histories_of_many_runs(self):
        client = self.client
        runs = [client.make_run() for _ in range(2)]
        for run_id in runs:
            client.ok("POST", "runs/log-batch", {"run_id": run_id, "metrics": [
                {"key": "m", "value": step, "timestamp": 1, "step": step} for step in range(10)]})
        points = client.ok("GET", "metrics/get-history-bulk-interval",
                           {"run_ids": runs, "metric_key": "m", "max_results": 5})["metrics"]
        self.assertEqual([(run_id, step) for run_id in runs for step in (0, 2, 4, 6, 8, 9)],
                         [(point["run_id"], point["step"]) for point in points])
        points = client.ok("GET", "metrics/get-history-bulk-interval",
                           {"run_ids": runs[:1], "metric_key": "m", "start_step": 3, "end_step": 4})
        self.assertEqual([3, 4], [point["step"] for point in points["metrics"]])
        points = client.ok("GET", "metrics/get-history-bulk",
                           {"run_id": runs, "metric_key": "m", "max_results": 15}, AJAX)["metrics"]
        self.assertEqual(15, len(points))
        self.assertEqual(404, client.call("GET", "metrics/get-history-bulk", {"run_id": runs}).status)
        seen, token = [], ""
        while token is not None:
            page = client.ok("GET", "metrics/get-history",
                             {"run_id": runs[0], "metric_key": "m", "max_results": 4, "page_token": token})
            seen += [point["step"] for point in page["metrics"]]
            token = page.get("next_page_token")
        self.assertEqual(list(range(10)), seen)
        self.assertEqual({}, client.ok("GET", "metrics/get-history",
                                       {"run_id": "0" * 32, "metric_key": "m"}))

    def test_a_legacy_model_is_remembered(self):
        run_id = self.client.make_run()
        model = {"artifact_path": "m", "flavors": {}, "utc_time_created": "x", "run_id": run_id}
        for path in ("m", "n"):
            self.client.ok("POST", "runs/log-model",
                           {"run_id": run_id, "model_json": json.dumps({**model, "artifact_path": path})})
        run = self.client.ok("GET", "runs/get", {"run_id": run_id})["run"]
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        self.assertEqual(["m", "n"], [one["artifact_path"]
                                      for one in json.loads(tags["mlflow.log-model.history"])])
        self.refused("POST", "runs/log-model", {"run_id": run_id, "model_json": "{}"},
                     "Model json is missing mandatory fields")

    def test_data_sets_of_experiments(self):
        client = self.client
        one = client.ok("POST", "experiments/create", {"name": "with data"})["experiment_id"]
        client.ok("POST", "runs/log-inputs", {"run_id": client.make_run(one), "datasets": [
            {"tags": [{"key": "mlflow.data.context", "value": "training"}],
             "dataset": {"name": "rows", "digest": "d1", "source_type": "local", "source": "{}"}}]})
        found = client.ok("POST", "experiments/search-datasets", {"experiment_ids": [one]}, AJAX)
        self.assertEqual([{"experiment_id": one, "name": "rows", "digest": "d1", "context": "training"}],
                         found["dataset_summaries"])


class Registry(ServerTest):
    def test_a_model_from_registration_to_removal(self):
        client = self.client
        run_id = client.make_run()
        model = client.ok("POST", "registered-models/create",
                          {"name": "m", "tags": [{"key": "a", "value": "b"}], "description": "d"})
        self.assertEqual(("m", "d", [{"key": "a", "value": "b"}]),
                         tuple(model["registered_model"][key] for key in ("name", "description", "tags")))
        self.refused("POST", "registered-models/create", {"name": "m"}, "Registered Model (name=m) already exists",
                     "RESOURCE_ALREADY_EXISTS")
        source = f"mlflow-artifacts:/0/{run_id}/artifacts/model"
        version = client.ok("POST", "model-versions/create",
                            {"name": "m", "source": source, "run_id": run_id})["model_version"]
        self.assertEqual(("1", "None", "READY", source, run_id),
                         tuple(version[key] for key in ("version", "current_stage", "status", "source", "run_id")))
        client.ok("POST", "model-versions/create", {"name": "m", "source": "s3://b/x"})
        client.ok("POST", "model-versions/transition-stage",
                  {"name": "m", "version": "1", "stage": "production", "archive_existing_versions": False})
        client.ok("PATCH", "model-versions/update", {"name": "m", "version": "2", "description": "two"})
        client.ok("POST", "model-versions/set-tag", {"name": "m", "version": "2", "key": "k", "value": "v"})
        client.ok("POST", "registered-models/alias", {"name": "m", "alias": "best", "version": "2"})
        self.assertEqual("2", client.ok("GET", "registered-models/alias",
                                        {"name": "m", "alias": "best"})["model_version"]["version"])
        model = client.ok("GET", "registered-models/get", {"name": "m"})["registered_model"]
        self.assertEqual([("1", "Production"), ("2", "None")],
                         sorted((one["version"], one["current_stage"]) for one in model["latest_versions"]))
        self.assertEqual([{"alias": "best", "version": "2"}], model["aliases"])
        latest = client.ok("POST", "registered-models/get-latest-versions", {"name": "m", "stages": ["Production"]})
        self.assertEqual(["1"], [one["version"] for one in latest["model_versions"]])
        found = client.ok("GET", "model-versions/search", {"filter": "name='m'", "max_results": 10})
        self.assertEqual({"1", "2"}, {one["version"] for one in found["model_versions"]})
        self.assertEqual({"artifact_uri": source}, client.ok("GET", "model-versions/get-download-uri",
                                                             {"name": "m", "version": "1"}))
        client.send("PUT", FILES + f"artifacts/0/{run_id}/artifacts/model/MLmodel", b"flavors: {}")
        got = client.send("GET", "/model-versions/get-artifact?name=m&version=1&path=MLmodel")
        self.assertEqual((200, b"flavors: {}"), (got.status, got.body))
        client.ok("POST", "registered-models/rename", {"name": "m", "new_name": "n"})
        client.ok("PATCH", "registered-models/update", {"name": "n", "description": "new"})
        client.ok("POST", "registered-models/set-tag", {"name": "n", "key": "x", "value": "y"})
        client.ok("DELETE", "registered-models/delete-tag", {"name": "n", "key": "x"})
        client.ok("DELETE", "model-versions/delete-tag", {"name": "n", "version": "2", "key": "k"})
        client.ok("DELETE", "registered-models/alias", {"name": "n", "alias": "best"})
        client.ok("DELETE", "model-versions/delete", {"name": "n", "version": "1"})
        self.refused("GET", "model-versions/get", {"name": "n", "version": "1"}, "Model Version (name=n, version=1) not found",
                     "RESOURCE_DOES_NOT_EXIST", 404)
        found = client.ok("GET", "registered-models/search", {"filter": "name LIKE 'n%'", "max_results": 5})
        self.assertEqual(["n"], [one["name"] for one in found["registered_models"]])
        client.ok("DELETE", "registered-models/delete", {"name": "n"})
        self.refused("GET", "registered-models/get", {"name": "n"}, "Registered Model with name=n not found",
                     "RESOURCE_DOES_NOT_EXIST", 404)

    def test_sources_that_are_refused(self):
        client = self.client
        run_id = client.make_run()
        client.ok("POST", "registered-models/create", {"name": "s"})
        for source, message in (
                ("/etc/passwd", "To use a local path as a model version"),
                ("file:///etc/passwd", "To use a local path as a model version"),
                ("file://remote/etc/passwd", "is not a valid remote uri"),
                ("s3://b/../x", "If supplying a source as an http, https,"),
                ("s3://b/%2e%2e/x", "If supplying a source as an http, https,"),
                ("s3://b/%252e%252e/x", "If supplying a source as an http, https,"),
                ("mlflow-artifacts:/1/../../x", "Invalid model version source"),
                ("https://h/a%00b", "Invalid model version source")):
            self.refused("POST", "model-versions/create", {"name": "s", "source": source, "run_id": run_id}, message)
        for source in ("s3://b/....x", "mlflow-artifacts:/1//models/x", "https://h/a/b"):
            client.ok("POST", "model-versions/create", {"name": "s", "source": source})

    def test_logged_models(self):
        client = self.client
        run_id = client.make_run()
        model = client.ok("POST", "logged-models", {
            "experiment_id": "0", "name": "net", "model_type": "keras", "source_run_id": run_id,
            "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "u"}]})["model"]
        model_id = model["info"]["model_id"]
        self.assertTrue(re.fullmatch("m-[0-9a-f]{32}", model_id))
        self.assertEqual("LOGGED_MODEL_PENDING", model["info"]["status"])
        self.assertEqual(f"mlflow-artifacts:/0/models/{model_id}/artifacts", model["info"]["artifact_uri"])
        ready = client.ok("PATCH", f"logged-models/{model_id}", {"model_id": model_id, "status": "LOGGED_MODEL_READY"})
        self.assertEqual("LOGGED_MODEL_READY", ready["model"]["info"]["status"])
        client.ok("PATCH", f"logged-models/{model_id}", {"status": 2})
        client.ok("POST", f"logged-models/{model_id}/params", {"params": [{"key": "q", "value": "2"}]})
        client.ok("PATCH", f"logged-models/{model_id}/tags", {"tags": [{"key": "a/b", "value": "c"}]})
        client.ok("POST", "runs/log-metric", {"run_id": run_id, "key": "acc", "value": 0.5, "timestamp": 1,
                                              "step": 2, "model_id": model_id, "dataset_name": "d",
                                              "dataset_digest": "e"})
        client.ok("POST", "runs/outputs", {"run_id": run_id, "models": [{"model_id": model_id, "step": 7}]})
        got = client.ok("GET", f"logged-models/{model_id}")["model"]
        self.assertEqual([{"key": "p", "value": "1"}, {"key": "q", "value": "2"}], got["data"]["params"])
        self.assertEqual([("acc", 0.5, model_id, run_id, "d")],
                         [(m["key"], m["value"], m["model_id"], m["run_id"], m["dataset_name"])
                          for m in got["data"]["metrics"]])
        run = client.ok("GET", "runs/get", {"run_id": run_id})["run"]
        self.assertEqual([{"model_id": model_id, "step": 7}], run["outputs"]["model_outputs"])
        found = client.ok("POST", "logged-models/search", {"experiment_ids": ["0"], "filter": "name = 'net'"})
        self.assertEqual([model_id], [one["info"]["model_id"] for one in found["models"]])
        self.assertEqual({}, client.ok("POST", "logged-models/search",
                                       {"experiment_ids": ["0"], "filter": "name = 'absent'"}))
        client.send("PUT", FILES + f"artifacts/0/models/{model_id}/artifacts/MLmodel", b"x")
        files = client.ok("GET", f"logged-models/{model_id}/artifacts/directories")
        self.assertEqual([{"path": "MLmodel", "is_dir": False, "file_size": 1}], files["files"])
        client.ok("DELETE", f"logged-models/{model_id}/tags/a%2Fb")
        client.ok("DELETE", f"logged-models/{model_id}")
        self.refused("GET", f"logged-models/{model_id}", {}, "not found", "RESOURCE_DOES_NOT_EXIST", 404)


if __name__ == "__main__":
    unittest.main()
