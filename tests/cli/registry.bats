# Experiments and the model registry from the command line, and stores as a whole.
load helpers
load trained

setup_file() {
    train_once tracking.experiment_name=sections
}

setup() {
    cp -r "$DIR" "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work" || return 1
    export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$TREE/tests/lsan.supp:print_suppressions=0}
}

@test "experiments are made, listed, renamed, tagged" {
    run_muster experiments create other --tag team=a --json
    [ "$code" -eq 0 ] || { show; false; }
    json 'd["name"] == "other" and d["done"] == "created"'
    run_muster experiments create other
    fails 2 "Experiment(name=other) already exists"
    run_muster experiments list --filter "tags.team = 'a'" --json
    json '[e["name"] for e in d["experiments"]] == ["other"]'
    run_muster experiments list --order-by name --csv
    [ "$(cut -d, -f2,4 <<<"$out")" = $'name,runs\nDefault,0\nother,0\nsections,1' ] || { show; false; }
    run_muster experiments rename other "another one"
    run_muster experiments tag "another one" note="x y" size=2
    run_muster experiments tag "another one" --remove team
    run_muster experiments show "another one" --json
    json 'd["tags"] == {"note": "x y", "size": "2"} and d["n_runs"] == 0'
    run_muster experiments tag "another one" nothing
    fails 2 "expected KEY=VALUE, found 'nothing'"
    run_muster experiments show "anothr one"
    fails 6 "there is no experiment 'anothr one' in sqlite:///$PWD/muster.db" "did you mean another one?"
}

@test "experiments are deleted when somebody says so, and come back" {
    run_muster experiments delete sections </dev/null
    fails 2 "mark experiment 'sections' and its 1 runs deleted: nobody is there to be asked" "add --yes"
    run_muster experiments delete sections --yes
    [ "$code" -eq 0 ] || { show; false; }
    run_muster runs list --json
    json 'd["runs"] == []'
    run_muster experiments list --view deleted --json
    json '[e["name"] for e in d["experiments"]] == ["sections"]'
    run_muster experiments restore sections
    run_muster runs list --json
    json 'len(d["runs"]) == 1'
}

@test "a run becomes a version, which is a model wherever one is taken" {
    run_muster models register last
    fails 2 "--name: under which name is missing" "muster models register last --name NAME"
    run_muster models register small-fox-1 --name sections --alias champion --stage staging --tag ready=yes
    [ "$out" = "registered models:/sections/1" ] || { show; false; }
    run_muster models register best:sections --name sections --json
    json 'd["version"] == 2 and d["stage"] == "None" and d["run_id"] and "/checkpoint_" in d["source"]'
    run_muster evaluate models:/sections@champion --split val --json
    [ "$code" -eq 0 ] || { show; false; }
    by_alias=$out
    for name in 1 Staging latest; do
        run_muster evaluate models:/sections/$name --split val --json
        /usr/bin/python3 -c 'import json, sys
a, b = (json.loads(text) for text in sys.argv[1:])
sys.exit(a["metrics"] != b["metrics"] if "metrics" in a else a.keys() != b.keys())' "$by_alias" "$out"
    done
    run_muster runs show models:/sections@champion --json
    json 'd["run_name"] == "small-fox-1"'
    run_muster result models:/sections@champion --json
    [ "$code" -eq 0 ] || { show; false; }
    run_muster predict models:/sections/2 "where is my parcel"
    [ "$code" -eq 0 ] || { show; false; }
}

@test "versions get aliases, stages and tags, and are deleted" {
    run_muster models register last --name sections --alias champion
    run_muster models register last --name sections
    run_muster models alias sections champion 2
    run_muster models show models:/sections@champion --json
    json 'd["version"] == 2'
    run_muster models stage sections 1 production
    run_muster models stage sections 2 Production --archive-others --json
    json 'd["stage"] == "Production"'
    run_muster models versions sections --filter "version_number < 2" --json
    json '[v["stage"] for v in d["model_versions"]] == ["Archived"]'
    run_muster models tag sections team=a
    run_muster models tag sections --version 2 ready=yes
    run_muster models list --filter "tags.team = 'a'" --json
    json 'd["registered_models"][0]["aliases"] == {"champion": 2}'
    run_muster models delete sections 1 </dev/null
    fails 2 "delete version 1 of model 'sections': nobody is there to be asked" "add --yes"
    run_muster models delete sections 1 --yes
    run_muster evaluate models:/sections/1 --split val
    fails 6 "Model Version (name=sections, version=1) not found"
    run_muster models alias sections champion --remove
    run_muster evaluate models:/sections@champion --split val
    fails 6 "no version of sections has the alias champion"
    run_muster models delete sections --yes
    run_muster models show sections
    [ "$code" -eq 6 ] || { show; false; }
    [ -n "$(find mlartifacts -name model.safetensors)" ]
}

@test "what names no version is told" {
    run_muster models register last --name sections
    run_muster evaluate models:/sectons/1 --split val
    fails 6 "Registered Model with name=sectons not found" "did you mean sections?"
    run_muster evaluate models:/sections --split val
    fails 2 "'models:/sections' names no version of a model"
    run_muster models stage sections 1 Live
    [ "$code" -eq 2 ] || { show; false; }
    run_muster models alias sections latest 1
    [ "$code" -eq 2 ] || { show; false; }
    run_muster models register nobody --name sections
    [ "$code" -eq 6 ] || { show; false; }
}

@test "a store is backed up, checked and copied with its registry" {
    run_muster models register last --name sections --alias champion
    run_muster store backup muster.db copy.db
    [ "$out" = "$PWD/copy.db is a whole copy" ] || { show; false; }
    run_muster store backup muster.db copy.db
    fails 2 "$PWD/copy.db: is there already"
    run_muster store check sqlite:///copy.db --json
    json 'd["n_damaged"] == 0 and d["runs"] == 1 and d["model_versions"] == 1'
    run_muster store copy sqlite:///copy.db folders --json
    json 'd["models_made"] == 1 and d["model_versions_made"] == 1'
    MLFLOW_TRACKING_URI=folders run_muster evaluate models:/sections@champion --split val
    [ "$code" -eq 0 ] || { show; false; }
    sqlite3 copy.db "UPDATE latest_metrics SET value = value + 1 WHERE key = 'val_loss'"
    run_muster store check sqlite:///copy.db
    fails 5 "sqlite:///$PWD/copy.db: damaged in 1 places"
    grep -q "the latest value of val_loss is in no history" <<<"$out" || { show; false; }
    run_muster store check sqlite:///copy.db --json
    [ "$code" -eq 5 ] || { show; false; }
    json 'd["n_damaged"] == 1'
}

@test "an older database is upgraded after a backup" {
    sqlite3 muster.db "DROP TABLE jobs; DROP TABLE evaluation_dataset_tags; DROP TABLE evaluation_dataset_records;
        DROP TABLE evaluation_datasets; UPDATE alembic_version SET version_num = '534353b11cbc'"
    run_muster runs list --json
    [ "$code" -eq 0 ] || { show; false; }
    run_muster experiments create more
    fails 5 "$PWD/muster.db: the schema is older (534353b11cbc) than the one needed (bf29a5ff90ea)" \
        "it can be read as it is; \`muster store upgrade sqlite:///$PWD/muster.db\` backs it up and upgrades it"
    run_muster store upgrade --dry-run --json
    json 'd["upgraded"] is False and d["backup"]'
    run_muster store upgrade muster.db
    [ "$code" -eq 0 ] || { show; false; }
    [ -f muster.db.534353b11cbc.backup ]
    run_muster experiments create more
    [ "$code" -eq 0 ] || { show; false; }
    run_muster store upgrade
    [ "$out" = "nothing to do: the schema is bf29a5ff90ea" ] || { show; false; }
}
