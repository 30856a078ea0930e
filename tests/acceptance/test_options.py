from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ood.statistics.proportions import PairedDifference


def report_of(project: pytest.Pytester, *options: str) -> dict[str, Any]:
    """Run the suite and return its JSON report."""
    project.runpytest_inprocess("--ood-suite", "--ood-report=report.json", *options)
    found: dict[str, Any] = json.loads(project.path.joinpath("report.json").read_text())
    return found


def configure(project: pytest.Pytester, lines: str) -> None:
    """Add lines to the plugin's table in pyproject.toml."""
    path = project.path / "pyproject.toml"
    if lines.startswith("["):
        path.write_text(f"{path.read_text()}\n{lines}\n")
    else:
        suites = 'suites = ["reviews.toml"]'
        path.write_text(path.read_text().replace(suites, f"{suites}\n{lines}"))


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["reviews"], 10),
        (["noise"], 3),
        (["lamps"], 3),
        (["reviews/noise"], 3),
        (["reviews/noise/keyboard"], 3),
        (["in-distribution"], 2),
        (["domain", "keyboard"], 6),
    ],
)
def test_only_selects_by_suite_kind_or_shift(
    project: pytest.Pytester, names: list[str], count: int
) -> None:
    """--ood-only takes a suite, a kind, a shift or a path, and may be repeated."""
    options = [part for name in names for part in ("--ood-only", name)]
    result = project.runpytest_inprocess("--ood-suite", "--collect-only", "-q", *options)
    assert len([line for line in result.outlines if "[" in line]) == count


def test_model_selects_by_name(project: pytest.Pytester) -> None:
    """--ood-model leaves one model, still compared with the baseline."""
    report = report_of(project, "--ood-model", "frail")
    assert {e["model"] for e in report["evaluations"]} == {"frail"}
    assert {c["baseline"] for c in report["comparisons"]} == {"sturdy"}


def test_the_seed_changes_the_noise_and_is_printed(project: pytest.Pytester) -> None:
    """--ood-seed gives other texts, the same seed the same, and the header says which."""
    hashes = [
        {
            e["shift"]: e["shifted_set_hash"]
            for e in report_of(project, f"--ood-seed={s}")["evaluations"]
        }
        for s in (1, 2, 1)
    ]
    assert hashes[0] == hashes[2]
    assert hashes[0]["keyboard"] != hashes[1]["keyboard"]
    assert hashes[0]["lamps"] == hashes[1]["lamps"]
    result = project.runpytest_inprocess("--ood-suite", "--ood-seed=7", "--collect-only")
    result.stdout.fnmatch_lines(["ood: seed 7,*"])


def test_max_examples_limits_each_data_set(project: pytest.Pytester) -> None:
    """--ood-max-examples draws so many, and what is drawn does not depend on the models."""
    report = report_of(project, "--ood-max-examples=50")
    assert {e["n"] for e in report["evaluations"] if e["kind"] != "adversarial"} == {50}


def test_strict_fails_what_is_inconclusive(project: pytest.Pytester) -> None:
    """An inconclusive verdict is shown as such and passes; with --ood-strict it fails."""
    few = ("--ood-suite", "--ood-max-examples=100", "--ood-only=keyboard", "-k", "[frail]")
    configure(project, "sequential = false")
    path = project.path / "reviews.toml"
    path.write_text(
        path.read_text().replace("noise = { max_drop = 0.10", "noise = { max_drop = 0.25")
    )
    result = project.runpytest_inprocess(*few)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*open: inconclusive*", "*1 inconclusive*"])
    strict = project.runpytest_inprocess(*few, "--ood-strict")
    assert strict.ret == pytest.ExitCode.TESTS_FAILED
    strict.stdout.fnmatch_lines(["inconclusive: frail under noise/keyboard: about * examples*"])


def test_a_budget_that_cannot_be_shown_is_invalid(project: pytest.Pytester) -> None:
    """Examples so few that no pass could be shown even without a single loss are said to be few."""
    few = ("--ood-suite", "--ood-max-examples=40", "--ood-only=lamps", "--ood-model=sturdy")
    path = project.path / "reviews.toml"
    path.write_text(
        path.read_text().replace("domain = { max_drop = 0.10", "domain = { max_drop = 0.01")
    )
    result = project.runpytest_inprocess(*few)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["invalid: sturdy under domain/lamps: 40 examples show no drop of at most 1.0 points *"]
    )


def test_a_dry_run_asks_no_model(project: pytest.Pytester) -> None:
    """--ood-dry-run tells for each gate what it can detect and what it costs, and runs nothing."""
    project.path.joinpath("conftest.py").write_text(
        "def answer(inputs):\n    raise RuntimeError('a model was asked')\n"
    )
    configure(project, "models.rules = { callable = 'conftest:answer' }")
    result = project.runpytest_inprocess("--ood-suite", "--ood-dry-run")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "gate * n *budget *passes at *fails from",
            "reviews/in-distribution[[]sturdy[]] * 300 * 80.0 *",
            "reviews/noise/keyboard[[]rules-vs-sturdy[]] * 300 * 5.0 *",
            "reviews/noise/keyboard[[]frail[]] * 300 * 10.0 *",
            "at most * inputs * cached * tokens * time * cost",
            "sturdy * 0 * ?",
            "rules * 0 * ?",
            "frail * 0 * ?",
        ]
    )
    assert "a model was asked" not in result.stdout.str()
    assert not project.path.joinpath("user-cache/pytest-ood/models").exists()


def test_a_dry_run_says_what_can_never_pass(project: pytest.Pytester) -> None:
    """With thirty examples a margin of five points has no chance, and the plan says so."""
    result = project.runpytest_inprocess("--ood-suite", "--ood-dry-run", "--ood-max-examples=30")
    result.stdout.fnmatch_lines(
        ["reviews/domain/lamps[[]frail-vs-sturdy[]] * never *", "*can never pass*"]
    )


def test_sequential_verdicts_stop_early(project: pytest.Pytester) -> None:
    """Settled gates use a part of the examples, say so, and agree with those that use all."""
    whole = report_of(project)
    configure(project, "sequential = true")
    early = report_of(project)
    result = project.runpytest_inprocess("--ood-suite", "-k", "keyboard and frail and not vs")
    result.stdout.fnmatch_lines(["  settled early: after 256 of 300"])
    assert {e["drawn"] for e in whole["evaluations"]} == {300, 30}
    used = sum(e["drawn"] for e in early["evaluations"])
    assert used < 0.8 * sum(e["drawn"] for e in whole["evaluations"])
    for one, other in zip(early["evaluations"], whole["evaluations"], strict=True):
        assert {one["verdict"], other["verdict"]} != {"pass", "fail"}


def test_a_fail_that_rests_on_the_family_is_reported(project: pytest.Pytester) -> None:
    """What only the other fails of the run make certain fails at the end, once, and ends with 1."""
    path = project.path / "reviews.toml"
    noise = "\n".join(
        f"[shifts.noise.n{n}]\nperturbation = 'keyboard'\nparameters = {{ share = 0.35 }}\n"
        "max_drop = 0.02\n"
        for n in range(10)
    )
    path.write_text(path.read_text() + noise)
    first = report_of(project, "--ood-model=frail")
    fails = [e for kind in ("evaluations", "comparisons") for e in first[kind]]
    count = sum(e["verdict"] == "fail" for e in fails)
    (drop,) = [e for e in first["evaluations"] if e["shift"] == "n3"]
    lost, n = drop["flipped"], drop["n"]
    figure = PairedDifference(lost, lost - round(drop["drop"] * n), n)
    # A budget that is refuted among the gates that are left, and not among all.
    level = first["alpha"] / (first["gates"] - count / 2)
    budget = figure.bounds(level)[0]
    head, name, tail = path.read_text().partition("[shifts.noise.n3]")
    path.write_text(head + name + tail.replace("max_drop = 0.02", f"max_drop = {budget:.6f}", 1))
    options = ("--ood-suite", "--ood-model=frail", "--ood-report=r.json", "--junitxml=j.xml")
    result = project.runpytest_inprocess(*options)
    report = json.loads(project.path.joinpath("r.json").read_text())
    gates, alpha = report["gates"], report["alpha"]
    stepped = [
        e for e in report["evaluations"] if e["verdict"] == "fail" and e["p_fail"] > alpha / gates
    ]
    assert stepped, [(e["shift"], e["p_fail"], e["p_fail_adjusted"]) for e in report["evaluations"]]
    assert all(e["p_fail_adjusted"] <= alpha for e in stepped)
    verdicts = [e["verdict"] for kind in ("evaluations", "comparisons") for e in report[kind]]
    counted = result.parseoutcomes()
    assert counted["failed"] == verdicts.count("fail")
    assert counted.get("inconclusive", 0) == verdicts.count("inconclusive")
    result.stdout.fnmatch_lines(["*by Holm's procedure over*", "These rest on the others*"])
    junit = project.path.joinpath("j.xml").read_text()
    assert "by Holm's procedure over" in junit
    assert junit.count('name="ood_p_fail_adjusted"') == len(stepped)


def test_a_model_that_flips_its_answers_is_found_out(project: pytest.Pytester) -> None:
    """Its disagreement with itself is shown, and its own noise is not taken for the shift's."""
    configure(
        project,
        "[tool.pytest_ood.models.sampled]\nfake = 'keyword'\nflip = 0.05\n"
        "words = { positive = ['wonderful', 'delightful'], negative = ['terrible', 'dreadful'] }",
    )
    path = project.path / "reviews.toml"
    path.write_text(path.read_text().replace("share = 0.35", "share = 0.05"))
    report = report_of(project, "--ood-model=sampled", "--ood-only=noise")
    (drop,) = report["evaluations"]
    assert drop["verdict"] != "fail"
    assert drop["interval"][0] <= 0.0 <= drop["interval"][1]
    result = project.runpytest_inprocess("--ood-suite", "--ood-model=sampled")
    result.stdout.fnmatch_lines(["*(in distribution: asked again, answers differently: * of 64)"])


def test_the_cache_lies_where_the_option_says(project: pytest.Pytester) -> None:
    """--ood-cache names the folder; nothing is left in the user's own."""
    project.runpytest_inprocess("--ood-suite", "--ood-cache", "here")
    assert project.path.joinpath("here/predictions.sqlite").exists()
    assert not project.path.joinpath("user-cache").exists()


def test_without_the_cache_nothing_is_kept(project: pytest.Pytester) -> None:
    """--ood-no-cache leaves no store behind."""
    project.runpytest_inprocess("--ood-suite", "--ood-no-cache")
    assert not project.path.joinpath("user-cache").exists()


def test_offline_names_what_is_missing(project: pytest.Pytester) -> None:
    """--ood-offline fetches nothing and says which asset is not there and what to do."""
    project.path.joinpath("pyproject.toml").write_text("")
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-offline", "--ood-only=in-distribution", "--ood-model=minilm"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["AssetError: asset 'icwsm-2014' (vaderSentiment==3.3.2) is not in *--ood-offline*"]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ood-only", "keybord"], "--ood-only: unknown name 'keybord'. Did you mean 'keyboard'"),
        (["--ood-model", "fraill"], "--ood-model: unknown model 'fraill'. Did you mean 'frail'"),
        (["--ood-max-examples", "0"], "'0' is not a whole number of 1 or more"),
        (["--ood-max-examples", "many"], "'many' is not a whole number of 1 or more"),
        (["--ood-seed", "x"], "invalid int value: 'x'"),
        (["--ood-report", "out.pdf"], "unknown kind of report '.pdf'; known: .html"),
        (["--ood-report", "no/out.json"], "there is no folder"),
        *(
            ([f"--ood-{name}="], f"argument --ood-{name}: its value is empty; give one, or leave")
            for name in (
                "only",
                "model",
                "report",
                "save",
                "compare",
                "compare-fail",
                "track",
                "cache",
            )
        ),
        (["--ood-cache", "  "], "argument --ood-cache: its value is empty"),
        (["--ood-seed="], "invalid int value: ''"),
        (["--ood-max-examples="], "'' is not a whole number of 1 or more"),
        (["--ood-engine="], "argument --ood-engine: invalid choice: ''"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    project: pytest.Pytester, options: list[str], message: str
) -> None:
    """A wrong name or value ends the run with status 4 and names the right ones."""
    result = project.runpytest_inprocess("--ood-suite", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("suite = ['x']", "unknown key 'suite'. Did you mean 'suites'"),
        ("suites = ['sentimental']", "unknown suite 'sentimental'. Did you mean 'sentiment'"),
        ("suites = ['none.toml']", "none.toml cannot be read"),
        ("seed = 'x'", "seed = 'x' is not a whole number"),
        ("alpha = 0.7", "alpha = 0.7 is not a number inside (0, 0.5)"),
        ("strict = 1", "strict = 1 is neither true nor false"),
        ("sequential = 'no'", "sequential = 'no' is neither true nor false"),
        ("correction = 'bonferoni'", "unknown correction 'bonferoni'"),
        ("models.a = { fake = 'random', seeds = 2 }", "has no seed of its own"),
        ("models.a = { finetuned = 'x', seeds = 0 }", "seeds = 0 is not a whole number"),
        ("models.a = { finetuned = 'x', seeds = 2 }", "it would be the same model 2 times"),
        ("models.a = { fake = 'random', flip = 2 }", "flip = 2 is not a share"),
        ("max_examples = 0", "max_examples = 0 is not a whole number of 1 or more"),
        ("models.a = 3", "models: a = 3 is not a table"),
        ("models.a = { finetune = 'x' }", "unknown key 'finetune'. Did you mean 'finetuned'"),
        ("models.a = { finetuned = 'x', epoch = 2 }", "unknown key 'epoch'. Did you mean 'epochs'"),
        ("models.a = { finetuned = 'x', epochs = 'two' }", "epochs = 'two' is not of type float"),
        ("models.a = { finetuned = 'x', dtype = 'float8' }", "unknown dtype 'float8'"),
        ("models.a = { prompted = 'x' }", "the key 'prompt' is missing"),
        ("models.a = { prompted = 'x', prompt = 'none.txt' }", "none.txt cannot be read"),
        ("models.a = { prompted = 'x', prompt = '{text}', shots = 2 }", "needs `demonstrations`"),
        (
            "models.a = { prompted = 'openai:gpt', prompt = '{text}', max_cost = 5 }",
            "max_cost = 5 needs price_in and price_out",
        ),
        ("models.a = { fake = 'keywrd' }", "unknown kind of fake 'keywrd'. Did you mean 'keyword'"),
        ("models.a = { callable = 'nowhere' }", "'nowhere' is not of the form module:name"),
        ("models.a = { callable = 'nowhere:f' }", "there is no module 'nowhere'"),
        ("models.a = { sklearn = 'none.joblib' }", "there is no file"),
        ("models.'a b' = { fake = 'random' }", "a name is not empty and has no space"),
        (
            "models = { a = { fake = 'random', baseline = true },"
            " b = { fake = 'random', baseline = true } }",
            "a and b are marked as the baseline",
        ),
    ],
)
def test_a_wrong_configuration_is_a_usage_error(
    project: pytest.Pytester, configuration: str, message: str
) -> None:
    """A wrong key or value in pyproject.toml ends the run with status 4 before all else."""
    suites = "" if "suites" in configuration else "suites = ['reviews.toml']\n"
    project.path.joinpath("pyproject.toml").write_text(
        f"[tool.pytest_ood]\n{suites}{configuration}\n"
    )
    result = project.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[shifts.noise.keyboard]", "[shifts.noice.keyboard]", "unknown kind 'noice'"),
        ("[shifts.noise.keyboard]", "[shifts.noise.keybord]", "unknown perturbation 'keybord'"),
        ("share = 0.35", "shar = 0.2", "unknown parameter 'shar'. Did you mean 'share'"),
        ("share = 0.35", "share = 1.5", "share = 1.5 is not a share in [0, 1]"),
        ("max_drop = 0.10", "max_drop = 3", "max_drop = 3 is not a share"),
        ("max_drop = 0.10", "maxdrop = 0.1", "unknown key 'maxdrop'. Did you mean 'max_drop'"),
        ("min_score = 0.8", "min_score = 80", "min_score = 80 is not a share"),
        ("min_score = 0.8", "max_abstention = 2", "max_abstention = 2 is not a share"),
        ("min_score = 0.8", "sequential = 1", "sequential = 1 is neither true nor false"),
        ("max_drop = 0.10", "macro-f2 = { max_drop = 0.1 }", "unknown key 'macro-f2'. Did you"),
        ("max_drop = 0.10", "macro-f1 = { drop = 0.1 }", "unknown key 'drop'. Did you"),
        ('data = "lamps.jsonl"', 'dat = "lamps.jsonl"', "unknown key 'dat'. Did you mean 'data'"),
        ("query_budget = 20", "query_budget = 0", "query_budget = 0 is not a whole number"),
        ("greedy-characters", "greedy-character", "unknown attack 'greedy-character'"),
        ("labels =", "label =", "unknown key 'label'. Did you mean 'labels'"),
        ("[in_distribution]", "[in_distribution", "not valid TOML"),
    ],
)
def test_a_wrong_suite_file_is_a_usage_error(
    project: pytest.Pytester, old: str, new: str, message: str
) -> None:
    """A wrong suite file ends the run with status 4 and says where."""
    path = project.path / "reviews.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    result = project.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "reviews.toml" in result.stderr.str()
    assert message in result.stderr.str()


def test_bad_data_fails_with_its_own_words(project: pytest.Pytester) -> None:
    """A row that cannot be used fails the checks that need it, naming file, row and field."""
    path = project.path / "lamps.jsonl"
    lines = path.read_text().splitlines()
    lines[4] = '{"id": "x", "text": "?", "label": "neutral"}'
    path.write_text("\n".join(lines))
    result = project.runpytest_inprocess("--ood-suite", "--ood-only=lamps", "--ood-model=frail")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["DataError: *lamps.jsonl, row 5, field 'label': unknown label 'neutral'*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
