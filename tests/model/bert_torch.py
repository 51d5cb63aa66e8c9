#!/usr/bin/python3
"""BERT in PyTorch, written from its papers and transformers' documentation for the tests.

    bert_torch.py make FOLDER [--hidden 32 ...]     a model folder as the hub has them
    bert_torch.py forward FOLDER BATCH EXPECTED     compares what C computed
    bert_torch.py load FOLDER [--batch BATCH]       checks a folder that Muster wrote

The architecture is that of BertForSequenceClassification and BertForMaskedLM (Devlin et al.
2019): word, position and token type embeddings, LayerNorm; layers of attention and
feed-forward with LayerNorm after each sum; then tanh(dense) of the first token and a
classifier, or dense, activation, LayerNorm and the word embeddings as decoder. All in double
precision, dropout off, texts padded; gradients are autograd's.

BATCH (safetensors)
    text_start   I32 [n+1]  the first token of each text; the last is N
    token        I32 [N]    ids, special tokens included
    token_type   I32 [N]    may be absent: zeros
    label        I32 [n]    the class; with --objective mlm: [N], the token asked for or -100
EXPECTED (safetensors, F32 or F64), what C computed
    logits       [n, C]; with mlm [M, V], a row for each of the M labels that are not -100, in order
    loss         [] or [1]: mean cross-entropy, over n or M
    grad.NAME    the gradient of each tensor by transformers' name; a tied decoder's is in
                 grad.bert.embeddings.word_embeddings.weight

Folders are read in every form that `make` writes: model.safetensors or shards with an index,
any float type, with or without "bert." before names, gamma and beta for weight and bias of
LayerNorm. PAD is a token like others here: nothing is padded with it that counts.

Exit code 0 equal, 1 different, 2 wrong input, 77 no PyTorch here.
"""
import argparse
import json
import math
import os
import re
import sys

sys.dont_write_bytecode = True
from oracle_parts import (  # noqa: E402
    NOISE, Comparison, read_header, read_safetensors, torch, write_safetensors)

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
NOT_ASKED = -100
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


class WrongInput(Exception):
    pass


# ---- the model ----


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


ACTIVATIONS = {"gelu": gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh,
               "relu": lambda x: x.clamp(min=0)}


def tensor_shapes(config, head):
    """Every tensor of the model by name, in transformers' order, with its shape.

    `head`: classifier, mlm, pretraining (what the hub's first checkpoints hold) or none."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {}

    def norm(name):
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = [hidden]

    def dense(name, out, into):
        shapes[f"{name}.weight"] = [out, into]
        shapes[f"{name}.bias"] = [out]

    at = "bert.embeddings"
    shapes[f"{at}.word_embeddings.weight"] = [config["vocab_size"], hidden]
    shapes[f"{at}.position_embeddings.weight"] = [config["max_position_embeddings"], hidden]
    shapes[f"{at}.token_type_embeddings.weight"] = [config["type_vocab_size"], hidden]
    norm(f"{at}.LayerNorm")
    for i in range(config["num_hidden_layers"]):
        at = f"bert.encoder.layer.{i}"
        for part in ("query", "key", "value"):
            dense(f"{at}.attention.self.{part}", hidden, hidden)
        dense(f"{at}.attention.output.dense", hidden, hidden)
        norm(f"{at}.attention.output.LayerNorm")
        dense(f"{at}.intermediate.dense", inner, hidden)
        dense(f"{at}.output.dense", hidden, inner)
        norm(f"{at}.output.LayerNorm")
    if head != "mlm":
        dense("bert.pooler.dense", hidden, hidden)
    if head == "classifier":
        dense("classifier", len(config["id2label"]), hidden)
    if head in ("mlm", "pretraining"):
        shapes["cls.predictions.bias"] = [config["vocab_size"]]
        dense("cls.predictions.transform.dense", hidden, hidden)
        norm("cls.predictions.transform.LayerNorm")
    if head == "pretraining":
        dense("cls.seq_relationship", 2, hidden)
    return shapes


class Bert:
    """`weights`: by transformers' names, double precision."""

    def __init__(self, config, weights):
        self.config = config
        self.weights = weights
        self.heads = config["num_attention_heads"]
        self.eps = config.get("layer_norm_eps", 1e-12)
        self.act = ACTIVATIONS[config.get("hidden_act", "gelu")]

    def dense(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name, x):
        centred = x - x.mean(-1, keepdim=True)
        variance = (centred ** 2).mean(-1, keepdim=True)
        return (centred / torch.sqrt(variance + self.eps) * self.weights[f"{name}.weight"]
                + self.weights[f"{name}.bias"])

    def attention(self, at, x, real):
        """x [n, T, H], real [n, T]: which tokens are there."""
        n, length, hidden = x.shape

        def split(part):
            y = self.dense(f"{at}.self.{part}", x)
            return y.reshape(n, length, self.heads, hidden // self.heads).transpose(1, 2)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(2, 3) / math.sqrt(hidden // self.heads)
        scores = scores.masked_fill(~real[:, None, None, :], -math.inf)
        mixed = (torch.softmax(scores, -1) @ value).transpose(1, 2).reshape(x.shape)
        return self.norm(f"{at}.output.LayerNorm", self.dense(f"{at}.output.dense", mixed) + x)

    def layer(self, i, x, real):
        at = f"bert.encoder.layer.{i}"
        x = self.attention(f"{at}.attention", x, real)
        inner = self.act(self.dense(f"{at}.intermediate.dense", x))
        return self.norm(f"{at}.output.LayerNorm", self.dense(f"{at}.output.dense", inner) + x)

    def encode(self, token, token_type, real):
        """All [n, T]; returns [n, T, H]."""
        def table(name):
            return self.weights[f"bert.embeddings.{name}_embeddings.weight"]

        x = table("word")[token] + table("position")[:token.shape[1]] + table("token_type")[
            token_type]
        x = self.norm("bert.embeddings.LayerNorm", x)
        for i in range(self.config["num_hidden_layers"]):
            x = self.layer(i, x, real)
        return x

    def classify(self, x):
        return self.dense("classifier", torch.tanh(self.dense("bert.pooler.dense", x[:, 0])))

    def predict_tokens(self, x):
        at = "cls.predictions"
        x = self.act(self.dense(f"{at}.transform.dense", x))
        x = self.norm(f"{at}.transform.LayerNorm", x)
        return x @ self.weights["bert.embeddings.word_embeddings.weight"].T + self.weights[
            f"{at}.bias"]


# ---- batches ----


def pad(packed, start, fill):
    return torch.nn.utils.rnn.pad_sequence(
        [packed[a:b] for a, b in zip(start, start[1:])], batch_first=True, padding_value=fill)


def read_batch(path, config, objective):
    batch = {name: tensor.long() for name, tensor in read_safetensors(path).items()}
    start, token = batch["text_start"].tolist(), batch["token"]
    token_type = batch.get("token_type", torch.zeros_like(token))
    lengths = [b - a for a, b in zip(start, start[1:])]
    if start[0] != 0 or start[-1] != len(token) or min(lengths) < 1:
        raise WrongInput(f"{path}: text_start does not cut {len(token)} tokens into texts")
    if max(lengths) > config["max_position_embeddings"]:
        raise WrongInput(f"{path}: a text of {max(lengths)} tokens is longer than the positions")
    wanted = len(token) if objective == "mlm" else len(lengths)
    label = batch.get("label")
    if label is not None and len(label) != wanted:
        raise WrongInput(f"{path}: {len(label)} labels, expected {wanted}")
    return {"token": pad(token, start, 0), "token_type": pad(token_type, start, 0),
            "real": pad(torch.ones_like(token), start, 0).bool(), "label": label}


def compute(model, batch, objective):
    """logits, and loss or None."""
    x = model.encode(batch["token"], batch["token_type"], batch["real"])
    label = batch["label"]
    if objective == "mlm":
        x = x[batch["real"]]
        if label is not None:
            x, label = x[label != NOT_ASKED], label[label != NOT_ASKED]
        logits = model.predict_tokens(x)
    else:
        logits = model.classify(x)
    if label is None:
        return logits, None
    own = logits.gather(1, label[:, None])[:, 0]
    return logits, (torch.logsumexp(logits, 1) - own).mean()


def answer_of(folder, batch_path, objective):
    """What EXPECTED should hold: logits, loss and every gradient."""
    config, weights = read_model(folder)
    names = [n for n in tensor_shapes(config, "mlm" if objective == "mlm" else "classifier")]
    missing = [name for name in names if name not in weights]
    if missing:
        raise WrongInput(f"{folder}: no tensor {missing[0]}")
    used = {name: weights[name].requires_grad_() for name in names}
    batch = read_batch(batch_path, config, objective)
    if batch["label"] is None:
        raise WrongInput(f"{batch_path}: no labels")
    logits, loss = compute(Bert(config, used), batch, objective)
    loss.backward()
    answer = {"logits": logits.detach(), "loss": loss.detach()}
    for name, tensor in used.items():
        answer[f"grad.{name}"] = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    return answer


# ---- folders ----


def read_json(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def read_stored(folder):
    """Tensors and their dtypes as they are stored, by stored name."""
    files = [SINGLE]
    if not os.path.exists(os.path.join(folder, SINGLE)):
        files = sorted(set(read_json(folder, INDEX)["weight_map"].values()))
    tensors, dtypes = {}, {}
    for name in files:
        path = os.path.join(folder, name)
        header, _ = read_header(path)
        dtypes.update((n, e["dtype"]) for n, e in header.items() if n != "__metadata__")
        tensors.update(read_safetensors(path))
    return tensors, dtypes


def usual_name(name):
    name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
    name = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
    return "bert." + name if re.match(r"(embeddings|encoder|pooler)\.", name) else name


def fill_config(config):
    """num_labels stands in older configs where id2label does now; the default is 2."""
    if "id2label" not in config:
        n = config.get("num_labels", 2)
        config["id2label"] = {str(i): f"LABEL_{i}" for i in range(n)}
    return config


def read_model(folder):
    tensors, _ = read_stored(folder)
    weights = {usual_name(n): t.double() for n, t in tensors.items() if t.is_floating_point()}
    return fill_config(read_json(folder, "config.json")), weights


# ---- make ----


def make_config(options):
    config = {
        "architectures": [{"classifier": "BertForSequenceClassification",
                           "mlm": "BertForMaskedLM", "pretraining": "BertForPreTraining",
                           "none": "BertModel"}[options.head]],
        "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
        "hidden_act": options.act, "hidden_dropout_prob": 0.1, "hidden_size": options.hidden,
        "id2label": {str(i): f"class {i}" for i in range(options.labels)},
        "initializer_range": 0.02, "intermediate_size": options.ff,
        "label2id": {f"class {i}": i for i in range(options.labels)},
        "layer_norm_eps": options.eps, "max_position_embeddings": options.positions,
        "model_type": "bert", "num_attention_heads": options.heads,
        "num_hidden_layers": options.layers, "pad_token_id": 0,
        "position_embedding_type": "absolute", "torch_dtype": "float32",
        "transformers_version": "4.35.2", "type_vocab_size": options.types, "use_cache": True,
        "vocab_size": options.vocab}
    if options.head != "classifier":
        del config["id2label"], config["label2id"]
    return config


def random_weights(config, options):
    """Wide enough that attention chooses, norms matter and no activation is in its linear
    part; about what trained models have."""
    draw = torch.Generator().manual_seed(options.seed)

    def normal(shape, spread, mean=0.0):
        return mean + spread * torch.randn(shape, generator=draw, dtype=torch.double)

    weights = {}
    config = fill_config(dict(config))
    for name, shape in tensor_shapes(config, options.head).items():
        if "embeddings.weight" in name:
            weights[name] = normal(shape, 0.05)
        elif name.endswith("LayerNorm.weight"):
            weights[name] = normal(shape, 0.15, 1.0)
        elif len(shape) == 1:
            weights[name] = normal(shape, 0.1)
        else:
            weights[name] = normal(shape, 1.2 / math.sqrt(shape[1]))
    return weights


def stored_names(weights, options):
    """The weights under the names that this kind of checkpoint has."""
    out = {}
    for name, tensor in weights.items():
        if options.no_prefix:
            name = re.sub(r"^bert\.", "", name)
        if options.old_names:
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            name = name.replace("LayerNorm.bias", "LayerNorm.beta")
        out[name] = tensor
    if options.position_ids:
        name = "embeddings.position_ids" if options.no_prefix else "bert.embeddings.position_ids"
        out[name] = torch.arange(options.positions)[None, :]
    return out


def write_weights(folder, tensors, options):
    metadata = {"format": "pt"}
    if options.shards == 1:
        write_safetensors(os.path.join(folder, SINGLE), tensors, options.dtype, metadata)
        return
    names = list(tensors)
    weight_map = {}
    for i in range(options.shards):
        part = names[i * len(names) // options.shards:(i + 1) * len(names) // options.shards]
        file = f"model-{i + 1:05d}-of-{options.shards:05d}.safetensors"
        write_safetensors(os.path.join(folder, file), {n: tensors[n] for n in part},
                          options.dtype, metadata)
        weight_map.update((name, file) for name in part)
    size = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}[options.dtype]
    total = sum(t.numel() * (size if t.is_floating_point() else 8) for t in tensors.values())
    write_json(folder, INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})


def vocabulary(size):
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = SPECIAL + letters + ["##" + c for c in letters]
    tokens += [chr(c) for c in range(33, 127) if not chr(c).isalpha()]
    tokens += ["##" + str(d) for d in range(10)]
    tokens += ["the", "of", "and", "to", "in", "is"]
    i = 0
    while len(tokens) < size:
        tokens.append(("##" if i % 3 == 2 else "") + letters[i % 26] + letters[i // 26 % 26]
                      + letters[i // 676 % 26] + letters[i // 17576 % 26])
        i += 1
    return tokens[:size]


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def make(options):
    if options.hidden % options.heads or options.vocab < len(SPECIAL) or options.types < 1:
        raise WrongInput("--heads must divide --hidden; --vocab at least 5, --types at least 1")
    os.makedirs(options.folder, exist_ok=True)
    config = make_config(options)
    write_json(options.folder, "config.json", config)
    weights = stored_names(random_weights(config, options), options)
    write_weights(options.folder, weights, options)
    with open(os.path.join(options.folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.writelines(token + "\n" for token in vocabulary(options.vocab))
    write_json(options.folder, "tokenizer_config.json", {
        "clean_up_tokenization_spaces": True, "cls_token": "[CLS]", "do_basic_tokenize": True,
        "do_lower_case": True, "mask_token": "[MASK]", "model_max_length": options.positions,
        "never_split": None, "pad_token": "[PAD]", "sep_token": "[SEP]", "strip_accents": None,
        "tokenize_chinese_chars": True, "tokenizer_class": "BertTokenizer",
        "unk_token": "[UNK]"})
    return 0


# ---- forward ----


def forward(options):
    answer = answer_of(options.folder, options.batch, options.objective)
    if options.write:
        write_safetensors(options.expected, answer, "F64")
        return 0
    expected = read_safetensors(options.expected)
    compare = Comparison(options.tolerance)
    largest = max(float(t.abs().max()) for n, t in answer.items() if n.startswith("grad."))
    for name, want in answer.items():
        floor = NOISE * largest if name.startswith("grad.") else 0.0
        compare.check(name, expected.get(name), want, floor=floor)
    for name in sorted(set(expected) - set(answer)):
        compare.fail(f"{name}: PyTorch has no such tensor")
    worst_first = sorted(compare.errors, reverse=True)
    for error, name in worst_first if options.all else worst_first[:5]:
        print(f"{error:9.2e}  {name}")
    print(f"{options.folder}: {compare.n} tensors compared, {compare.failures} different")
    return 1 if compare.failures else 0


# ---- load ----

NUMBER = (int, float)
CONFIG_KEYS = {
    "architectures": list, "model_type": str, "hidden_size": int, "num_hidden_layers": int,
    "num_attention_heads": int, "intermediate_size": int, "hidden_act": str,
    "hidden_dropout_prob": NUMBER, "attention_probs_dropout_prob": NUMBER,
    "classifier_dropout": NUMBER + (type(None),), "layer_norm_eps": NUMBER,
    "max_position_embeddings": int, "type_vocab_size": int, "vocab_size": int,
    "pad_token_id": int, "initializer_range": NUMBER, "position_embedding_type": str,
    "id2label": dict, "label2id": dict}
PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")


def config_mistakes(config, head, allowed):
    wanted = dict(CONFIG_KEYS)
    if head == "mlm":
        del wanted["id2label"], wanted["label2id"], wanted["classifier_dropout"]
        allowed = allowed | {"id2label", "label2id", "classifier_dropout"}
    for key, kind in wanted.items():
        if key not in config:
            yield f"config.json: {key} is missing"
        elif not isinstance(config[key], kind) or isinstance(config[key], bool):
            yield f"config.json: {key} is {config[key]!r}"
    for key in sorted(set(config) - set(wanted) - allowed - {"problem_type"}):
        yield f"config.json: {key} is one too many"
    fixed = {"architectures": [{"mlm": "BertForMaskedLM"}.get(
        head, "BertForSequenceClassification")],
        "model_type": "bert", "position_embedding_type": "absolute"}
    for key, value in fixed.items():
        if key in config and config[key] != value:
            yield f"config.json: {key} is {config[key]!r}, expected {value!r}"
    if "problem_type" in config and config["problem_type"] not in PROBLEM_TYPES:
        yield f"config.json: problem_type is {config['problem_type']!r}"
    if config.get("hidden_act") not in ACTIVATIONS:
        yield f"config.json: hidden_act is {config.get('hidden_act')!r}"
    yield from label_mistakes(config)


def label_mistakes(config):
    names, ids = config.get("id2label"), config.get("label2id")
    if not isinstance(names, dict) or not isinstance(ids, dict):
        return
    if sorted(names) != sorted(str(i) for i in range(len(names))):
        yield f"config.json: id2label has the keys {sorted(names)}"
    if {str(i): name for name, i in ids.items()} != names:
        yield "config.json: label2id is not id2label turned round"


def tensor_mistakes(folder, config, head, dtype):
    tensors, dtypes = read_stored(folder)
    wanted = tensor_shapes(config, head)
    for name, shape in wanted.items():
        if name not in tensors:
            yield f"{name} is missing"
        elif list(tensors[name].shape) != shape:
            yield f"{name} is {list(tensors[name].shape)}, expected {shape}"
        elif dtypes[name] != dtype:
            yield f"{name} is {dtypes[name]}, expected {dtype}"
        elif not bool(torch.isfinite(tensors[name]).all()):
            yield f"{name} is not finite"
    for name in sorted(set(tensors) - set(wanted)):
        yield f"{name} is one too many"
    if os.path.exists(os.path.join(folder, SINGLE)):
        header, _ = read_header(os.path.join(folder, SINGLE))
        if header.get("__metadata__", {}).get("format") != "pt":
            yield f"{SINGLE}: its metadata lacks format pt, which transformers insists on"


def vocabulary_mistakes(folder, config):
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8", newline="\n") as file:
        tokens = file.read().split("\n")
    if tokens.pop() != "" or len(set(tokens)) != len(tokens):
        yield "vocab.txt: not one distinct token a line"
    if len(tokens) > config["vocab_size"]:
        yield f"vocab.txt: {len(tokens)} tokens, vocab_size is {config['vocab_size']}"
    for token in SPECIAL:
        if token not in tokens:
            yield f"vocab.txt: no {token}"
    if "[PAD]" in tokens and tokens.index("[PAD]") != config["pad_token_id"]:
        yield f"vocab.txt: [PAD] is {tokens.index('[PAD]')}, not pad_token_id"


def load(options):
    head = "mlm" if options.objective == "mlm" else "classifier"
    config = read_json(options.folder, "config.json")
    mistakes = list(config_mistakes(config, head, set(options.allow.split(","))))
    if not mistakes:
        mistakes += tensor_mistakes(options.folder, config, head, options.dtype)
        mistakes += vocabulary_mistakes(options.folder, config)
    for line in mistakes:
        print(f"different: {line}")
    if mistakes:
        return 1
    if options.batch:
        config, weights = read_model(options.folder)
        batch = read_batch(options.batch, config, options.objective)
        with torch.no_grad():
            logits, _ = compute(Bert(config, weights), batch, options.objective)
        for row in logits.tolist():
            print(" ".join(f"{x:.9g}" for x in row))
    return 0


# ---- command line ----


def add_make(verbs):
    parser = verbs.add_parser("make", help="write a model folder with random weights")
    parser.add_argument("folder")
    for name, value in (("hidden", 32), ("layers", 2), ("heads", 4), ("ff", 64), ("vocab", 120),
                        ("positions", 40), ("types", 2), ("labels", 3), ("seed", 1),
                        ("shards", 1)):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"(default {value})")
    parser.add_argument("--act", choices=ACTIVATIONS, default="gelu")
    parser.add_argument("--eps", type=float, default=1e-12)
    parser.add_argument("--dtype", choices=("F32", "F16", "BF16", "F64"), default="F32")
    parser.add_argument("--head", choices=("classifier", "mlm", "pretraining", "none"),
                        default="classifier", help="pretraining: as bert-base on the hub")
    parser.add_argument("--no-prefix", action="store_true", help='names without "bert."')
    parser.add_argument("--old-names", action="store_true", help="LayerNorm.gamma and beta")
    parser.add_argument("--position-ids", action="store_true",
                        help="the I64 buffer embeddings.position_ids, as old checkpoints have")
    parser.set_defaults(run=make)


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    add_make(verbs)
    parser_of = {}
    for verb, run, text in (("forward", forward, "compare what C computed with PyTorch"),
                            ("load", load, "check a folder that Muster wrote")):
        parser_of[verb] = verbs.add_parser(verb, help=text)
        parser_of[verb].add_argument("folder")
        parser_of[verb].add_argument("--objective", choices=("classify", "mlm"),
                                     default="classify")
        parser_of[verb].set_defaults(run=run)
    parser_of["forward"].add_argument("batch")
    parser_of["forward"].add_argument("expected")
    parser_of["forward"].add_argument("--tolerance", type=float, default=1e-4)
    parser_of["forward"].add_argument("--all", action="store_true", help="a line per tensor")
    parser_of["forward"].add_argument("--write", action="store_true",
                                      help="write PyTorch's own answer to EXPECTED instead")
    parser_of["load"].add_argument("--batch", help="print the logits of this batch")
    parser_of["load"].add_argument("--dtype", default="F32", help="that tensors must have")
    parser_of["load"].add_argument("--allow", default="", metavar="KEY,KEY",
                                   help="further keys that config.json may have")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_options(arguments)
    torch.set_num_threads(1)
    try:
        return options.run(options)
    except (WrongInput, OSError, KeyError, ValueError) as error:
        print(f"wrong input: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
