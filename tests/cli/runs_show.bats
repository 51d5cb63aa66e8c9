# The page of one run, and curves of several.
load helpers
load untrained
load runs

setup() {
    in_fresh_folder
    fill_store
}

@test "a run's page has curves, params, tags, artifacts" {
    sqlite3 muster.db "INSERT INTO tags VALUES ('mlflow.note.content', 'first line' || char(10) || 'second', '$NEWT'), ('muster.cpu', 'a fast one', '$NEWT')"
    run_muster runs show newt-2
    [ "$code" -eq 0 ] || { show; false; }
    grep -qE "^val_loss +0.2$" <<<"$out" || { show; false; }
    grep -qE "^     0.8│⠉" <<<"$out" || { show; false; }
    grep -qE "^val_loss +0.2 +0.2 +0.8 +2 +3 +█▂▁$" <<<"$out" || { show; false; }
    grep -qE "^note +first line$" <<<"$out" && grep -qE "^ +second$" <<<"$out" || { show; false; }
    grep -qE "^model.txt +8 bytes$" <<<"$out" || { show; false; }
    [ "$(grep -nE '^train.lr +0.01$|^environment|^muster.cpu +a fast one$' <<<"$out" | wc -l)" -eq 3 ] || { show; false; }
}

@test "curves are plotted: dots, letters for several, CSV and JSON" {
    run_muster runs plot newt-2 -m val_loss
    [ "$code" -eq 0 ] || { show; false; }
    grep -q "┤⠉\|┤⠑\|┤⠱" <<<"$out" || { show; false; }
    grep -q "step$" <<<"$out" || { show; false; }
    run_muster runs plot newt-2 owl-1 -m val_loss --x relative --log --smooth 0.5
    grep -q "\* newt-2   + owl-1" <<<"$out" || { show; false; }
    run_muster runs plot hare-3 -m val_loss --csv
    [ "$(tail -n 1 <<<"$out" | tr -d '\r')" = "b3${NEWT#a2},hare-3,val_loss,2,NaN" ] || { show; false; }
    run_muster runs plot owl-1 newt-2 -m val_loss --smooth 0.5 --json
    json 'd["series"][0]["y"][0] == 0.9 and abs(d["series"][0]["y"][1] - (0.5 * 0.45 + 0.25) / 0.75) < 1e-12'
}

@test "curves become images" {
    run_muster runs plot owl-1 newt-2 -m val_loss -o curves.svg
    [ "$code" -eq 0 ] && [ -z "$out" ] || { show; false; }
    /usr/bin/python3 - <<'END'
import xml.dom.minidom
d = xml.dom.minidom.parse("curves.svg")
texts = [t.firstChild.data for t in d.getElementsByTagName("text") if t.firstChild]
assert {"owl-1", "newt-2", "val_loss", "step", "0.8"} <= set(texts), texts
assert sum("round" in p.getAttribute("stroke-linejoin") for p in d.getElementsByTagName("polyline")) == 2
END
    run_muster runs plot owl-1 newt-2 -m val_loss -o curves.png
    if [ "$code" -eq 6 ]; then
        skip "libcairo is not installed"
    fi
    /usr/bin/python3 - <<'END'
import struct, zlib
data = open("curves.png", "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
assert struct.unpack(">II", data[16:24]) == (1440, 880)
at, pixels = 8, b""
while at < len(data):
    n, kind = struct.unpack(">I4s", data[at:at + 8])
    pixels += data[at + 8:at + 8 + n] if kind == b"IDAT" else b""
    at += 12 + n
raw = zlib.decompress(pixels)
assert len(raw) >= 1440 * 880 * 3
END
}

@test "what cannot be plotted is told" {
    run_muster runs plot newt-2
    fails 2 "missing option --metric METRIC" '`muster runs show newt-2` lists the metrics of a run'
    run_muster runs plot newt-2 -m val_los
    fails 6 "run newt-2 (a2000000) has no metric 'val_los'" "did you mean val_loss?"
    run_muster runs plot newt-2 -m val_loss -o curves.gif
    fails 2 "--out: 'curves.gif' is neither .svg nor .png"
    run_muster runs plot newt-2 -m val_loss --x steps
    fails 2 "--x: expected step, time or relative, found 'steps'"
    run_muster runs plot newt-2 -m val_loss -o none/curves.svg
    [ "$code" -ne 0 ] && [ ! -e none ] || { show; false; }
}
