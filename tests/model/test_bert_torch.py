#!/usr/bin/python3
"""Holds bert_torch.py against PyTorch's own encoder, and sees that it notices mistakes.

Exit code 0 good, 1 not, 77 no PyTorch here.
"""
import contextlib
import io
import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from oracle_parts import read_safetensors, torch, write_safetensors  # noqa: E402
import bert_torch  # noqa: E402
from torch import nn  # noqa: E402

LENGTHS = [5, 1, 9, 40, 2]


def run(*arguments):
    """Exit code and what was printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = bert_torch.main(arguments)
    return code, out.getvalue()


def torch_encoder(config, w):
    """PyTorch's TransformerEncoder with these weights."""
    hidden = config["hidden_size"]
    act = {"gelu": "gelu", "relu": "relu"}.get(
        config["hidden_act"], lambda x: nn.functional.gelu(x, approximate="tanh"))
    layer = nn.TransformerEncoderLayer(
        hidden, config["num_attention_heads"], config["intermediate_size"], dropout=0.0,
        activation=act, layer_norm_eps=config["layer_norm_eps"], batch_first=True,
        norm_first=False)
    encoder = nn.TransformerEncoder(layer, config["num_hidden_layers"],
                                    enable_nested_tensor=False).double()
    for i, layer in enumerate(encoder.layers):
        at = f"bert.encoder.layer.{i}"
        state = {}
        for kind in ("weight", "bias"):
            state[f"self_attn.in_proj_{kind}"] = torch.cat(
                [w[f"{at}.attention.self.{p}.{kind}"] for p in ("query", "key", "value")])
            for theirs, ours in (("self_attn.out_proj", "attention.output.dense"),
                                 ("norm1", "attention.output.LayerNorm"),
                                 ("linear1", "intermediate.dense"), ("linear2", "output.dense"),
                                 ("norm2", "output.LayerNorm")):
                state[f"{theirs}.{kind}"] = w[f"{at}.{ours}.{kind}"]
        layer.load_state_dict(state)
    return encoder


def reference(config, w, batch, objective):
    """logits from PyTorch's modules and functions."""
    f = nn.functional
    hidden, eps = config["hidden_size"], config["layer_norm_eps"]

    def dense(name, x):
        return f.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(name, x):
        return f.layer_norm(x, (hidden,), w[f"{name}.weight"], w[f"{name}.bias"], eps)

    token, real = batch["token"], batch["real"]
    places = torch.arange(token.shape[1]).expand(token.shape)
    tables = "bert.embeddings.{}_embeddings.weight"
    x = f.embedding(token, w[tables.format("word")])
    x = x + f.embedding(places, w[tables.format("position")])
    x = x + f.embedding(batch["token_type"], w[tables.format("token_type")])
    x = norm("bert.embeddings.LayerNorm", x)
    x = torch_encoder(config, w)(x, src_key_padding_mask=~real)
    if objective == "classify":
        return dense("classifier", torch.tanh(dense("bert.pooler.dense", x[:, 0])))
    x = dense("cls.predictions.transform.dense", x[real][batch["label"] != -100])
    x = f.relu(x) if config["hidden_act"] == "relu" else f.gelu(
        x, approximate="none" if config["hidden_act"] == "gelu" else "tanh")
    x = norm("cls.predictions.transform.LayerNorm", x)
    return f.linear(x, w[tables.format("word")], w["cls.predictions.bias"])


class InAFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="bert-torch-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, *options):
        code, printed = run("make", self.path(name), *options)
        self.assertEqual(code, 0, printed)
        return self.path(name)

    def write_batch(self, objective, vocab=120, types=2):
        draw = torch.Generator().manual_seed(7)
        n = sum(LENGTHS)
        start = torch.tensor([0] + LENGTHS).cumsum(0).int()
        token = torch.randint(1, vocab, (n,), generator=draw).int()
        kind = torch.randint(0, types, (n,), generator=draw).int()
        if objective == "mlm":
            label = torch.randint(0, vocab, (n,), generator=draw).int()
            label[torch.rand(n, generator=draw) < 0.7] = -100
        else:
            label = torch.randint(0, 3, (len(LENGTHS),), generator=draw).int()
        write_safetensors(self.path("batch"), {
            "text_start": start, "token": token, "token_type": kind, "label": label})
        return self.path("batch")


class Architecture(InAFolder):
    def test_against_pytorchs_encoder(self):
        for objective, head in (("classify", "classifier"), ("mlm", "mlm")):
            for act in bert_torch.ACTIVATIONS:
                model = self.make(f"{head}-{act}", "--act", act, "--head", head, "--eps", "1e-3")
                config, weights = bert_torch.read_model(model)
                batch = bert_torch.read_batch(self.write_batch(objective), config, objective)
                got, loss = bert_torch.compute(
                    bert_torch.Bert(config, weights), batch, objective)
                with torch.no_grad():
                    want = reference(config, weights, batch, objective)
                self.assertGreater(float(want.std()), 0.05)
                self.assertLess(float((got - want).abs().max()), 1e-10, f"{objective} {act}")
                label = batch["label"][batch["label"] != -100]
                self.assertAlmostEqual(
                    float(loss), float(nn.functional.cross_entropy(want, label)), 10)

    def test_gelu_forms_differ(self):
        x = torch.linspace(-4, 4, 99, dtype=torch.double)
        gap = (bert_torch.gelu(x) - bert_torch.gelu_tanh(x)).abs().max()
        self.assertTrue(1e-4 < float(gap) < 1e-3)


class Forward(InAFolder):
    def compare(self, change, objective="classify", head="classifier"):
        model, batch = self.make("m", "--head", head), self.write_batch(objective)
        answer = self.path("answer")
        code, printed = run("forward", model, batch, answer, "--write", "--objective", objective)
        self.assertEqual(code, 0, printed)
        tensors = read_safetensors(answer)
        change(tensors)
        write_safetensors(answer, tensors)
        return run("forward", model, batch, answer, "--objective", objective)

    def test_the_same_is_the_same(self):
        for objective, head in (("classify", "classifier"), ("mlm", "mlm"),
                                ("mlm", "pretraining")):
            code, printed = self.compare(lambda tensors: None, objective, head)
            self.assertEqual(code, 0, printed)
            self.assertIn("tensors compared, 0 different", printed)

    def test_one_number_off(self):
        name = "grad.bert.encoder.layer.1.attention.self.value.weight"

        def change(tensors):
            tensors[name][3, 4] += 0.01 * tensors[name].abs().max()
        code, printed = self.compare(change)
        self.assertEqual(code, 1)
        self.assertIn(f"different: {name}[100]", printed)
        self.assertRegex(printed, rf"1\.0\de-02  {name}")

    def test_missing_and_superfluous(self):
        code, printed = self.compare(lambda tensors: tensors.pop("grad.classifier.bias"))
        self.assertEqual(code, 1)
        self.assertIn("grad.classifier.bias: missing", printed)
        code, printed = self.compare(lambda tensors: tensors.update(x=torch.ones(1)))
        self.assertEqual(code, 1)
        self.assertIn("x: PyTorch has no such tensor", printed)

    def test_wrong_batches(self):
        model = self.make("m", "--positions", "39")
        code, printed = run("forward", model, self.write_batch("classify"), "x", "--write")
        self.assertEqual(code, 2)
        self.assertIn("longer than the positions", printed)


class Forms(InAFolder):
    def test_every_form_holds_the_same_model(self):
        _, plain = bert_torch.read_model(self.make("plain"))
        for i, (options, spread) in enumerate((
                (["--shards", "3"], 0), (["--no-prefix", "--old-names"], 0),
                (["--position-ids"], 0), (["--dtype", "F64"], 1e-7),
                (["--dtype", "F16"], 1e-3), (["--dtype", "BF16", "--shards", "2"], 1e-2))):
            _, weights = bert_torch.read_model(self.make(str(i), *options))
            self.assertEqual(list(weights), list(plain))
            for name, want in plain.items():
                self.assertLessEqual(float(((weights[name] - want).abs() / (
                    want.abs() + 1e-4)).max()), spread, f"{options} {name}")

    def test_names_of_the_forms(self):
        tensors, _ = bert_torch.read_stored(self.make("m", "--no-prefix", "--old-names",
                                                      "--position-ids", "--head", "none"))
        self.assertIn("encoder.layer.0.output.LayerNorm.gamma", tensors)
        self.assertIn("embeddings.position_ids", tensors)
        self.assertFalse([name for name in tensors if name.startswith(("bert.", "classifier"))])
        tensors, _ = bert_torch.read_stored(self.make("p", "--head", "pretraining"))
        self.assertEqual(list(tensors["cls.seq_relationship.weight"].shape), [2, 32])


class Load(InAFolder):
    ALLOW = ("--allow", "torch_dtype,transformers_version,use_cache")

    def check(self, change=None, *, tensors=None, options=()):
        model = self.make("m", *options)
        if change:
            config = bert_torch.read_json(model, "config.json")
            change(config)
            bert_torch.write_json(model, "config.json", config)
        if tensors:
            weights = read_safetensors(os.path.join(model, "model.safetensors"))
            tensors(weights)
            write_safetensors(os.path.join(model, "model.safetensors"), weights,
                              metadata={"format": "pt"})
        objective = ["--objective", "mlm"] if "mlm" in options else []
        return run("load", model, *self.ALLOW, *objective)

    def test_good_folders_print_logits(self):
        self.assertEqual(self.check(), (0, ""))
        self.assertEqual(self.check(options=("--head", "mlm")), (0, ""))
        code, printed = run("load", self.make("m"), *self.ALLOW, "--batch",
                            self.write_batch("classify"))
        self.assertEqual(code, 0, printed)
        rows = [[float(x) for x in line.split()] for line in printed.splitlines()]
        self.assertEqual([len(row) for row in rows], [3] * len(LENGTHS))

    def test_config_mistakes(self):
        for change, words in (
                (lambda c: c.pop("hidden_act"), "hidden_act is missing"),
                (lambda c: c.update(extra=1), "extra is one too many"),
                (lambda c: c.update(vocab_size="9"), "vocab_size is '9'"),
                (lambda c: c.update(model_type="roberta"), "expected 'bert'"),
                (lambda c: c.update(architectures=["BertModel"]), "architectures is"),
                (lambda c: c.update(problem_type="x"), "problem_type is 'x'"),
                (lambda c: c["label2id"].update({"class 0": 1}), "not id2label turned round"),
                (lambda c: c.update(num_hidden_layers=1), "layer.1.output.dense.bias is one too"),
                (lambda c: c.update(type_vocab_size=1), "is [2, 32], expected [1, 32]"),
                (lambda c: c.update(pad_token_id=3), "[PAD] is 0, not pad_token_id")):
            code, printed = self.check(change)
            self.assertEqual(code, 1, words)
            self.assertIn(words, printed)

    def test_tensor_mistakes(self):
        def not_finite(w):
            w["classifier.bias"][0] = float("nan")
        for change, words in (
                (lambda w: w.pop("bert.pooler.dense.bias"), "pooler.dense.bias is missing"),
                (lambda w: w.update(x=torch.ones(1)), "x is one too many"),
                (not_finite, "classifier.bias is not finite"),
                (lambda w: w.update({"classifier.bias": torch.ones(4)}), "expected [3]")):
            code, printed = self.check(tensors=change)
            self.assertEqual(code, 1, words)
            self.assertIn(words, printed)
        code, printed = self.check(options=("--dtype", "F16"))
        self.assertEqual(code, 1)
        self.assertIn("is F16, expected F32", printed)


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
