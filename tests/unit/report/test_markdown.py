"""INDEX.md of a run and of all runs."""

import json
import re

import pytest

from tvquant.report import write_index, write_report

pytestmark = pytest.mark.usefixtures("two_pages")


def degrade(run):
    path = run / "data" / "health.json"
    assets = json.loads(path.read_text())
    assets[2]["state"] = "gaps"
    path.write_text(json.dumps(assets))


@pytest.mark.requirement("R-REP-02")
def test_the_index_of_a_run_has_health_profile_run_id_result_and_links(run):
    write_report(run)
    text = (run / "INDEX.md").read_text("utf-8")
    assert "**Status: ✅ HEALTHY** (ok 6)" in text
    assert "- Profile: demo_sp500\n" in text
    assert f"`{run.name}`" in text
    assert re.search(r"Result digest: `[0-9a-f]{64}`", text)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (run / link).is_file()
    assert len(re.findall(r"^\| v4/custom/", text, re.M)) == 5
    assert text.count("(baseline)") == 3


@pytest.mark.requirement("R-REP-03")
def test_one_asset_with_gaps_degrades_every_level(run):
    degrade(run)
    write_report(run)
    write_index(run.parent)
    assert "**Status: ⚠️ DEGRADED** (ok 5, gaps 1)" in (run / "INDEX.md").read_text("utf-8")
    assert "⚠️ DEGRADED (ok 5, gaps 1)" in (run.parents[1] / "INDEX.md").read_text("utf-8")
    html = (run / "report" / "index.html").read_text("utf-8")
    assert "⚠️ DEGRADED" in html
    assert "NYSE:CCC" in html[html.index('<section id="health">') : html.index('<section id="events">')]


@pytest.mark.requirement("R-REP-03")
def test_no_health_record_is_missing_and_not_healthy(run):
    (run / "data" / "health.json").unlink()
    write_report(run)
    assert "⛔ MISSING** (data/health.json is not in the run folder)" in (run / "INDEX.md").read_text("utf-8")


@pytest.mark.requirement("R-DAT-22")
def test_who_is_not_healthy_is_named_beside_the_ratio(run):
    path = run / "data" / "health.json"
    assets = json.loads(path.read_text())
    assets[0]["state"] = "ok_market_closed"
    path.write_text(json.dumps(assets))
    write_report(run)
    text = (run / "INDEX.md").read_text("utf-8")
    assert "**Status: ✅ HEALTHY** (ok 5, ok_market_closed 1)" in text
    assert f"- Universe health: {len(assets)}/{len(assets)}\n" in text
    assets[2]["state"] = "stale"
    path.write_text(json.dumps(assets))
    write_report(run)
    text = (run / "INDEX.md").read_text("utf-8")
    assert "**Status: ⚠️ DEGRADED** (ok 4, ok_market_closed 1, stale 1)" in text
    assert f"- Universe health: 5/6; not healthy: {assets[2]['key']} (stale)\n" in text
