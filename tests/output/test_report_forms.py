"""The report as Markdown, seen by a renderer, and as metrics, read by Prometheus' own parser."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from layerscope.cli import cli
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import ContentStore, HistoryEntry
from layerscope.output.report_markdown import MOST_IMAGES, escaped, report_markdown
from layerscope.output.report_prometheus import report_prometheus
from tests.hosts import HOSTILE, SMALL
from tests.replay import NAMES, recorded_inventory

RENDERER = MarkdownIt("gfm-like", {"html": True, "linkify": False})


@pytest.fixture(params=[*NAMES, "small", "evil"])
def graph(request: pytest.FixtureRequest) -> LayerGraph:
    own = {"small": SMALL, "evil": HOSTILE}
    return build_graph(own[request.param] if request.param in own else recorded_inventory(request.param))


def metrics(text: str) -> dict[str, float]:
    return {
        sample.name.removeprefix("layerscope_"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_are_what_the_report_says(graph: LayerGraph) -> None:
    text = report_prometheus(graph)
    found, totals = metrics(text), graph.totals
    assert found["images"] == totals.images
    assert found["footprint_bytes"] == totals.footprint
    assert found["listed_bytes"] - found["saved_bytes"] == totals.listed - totals.saved
    assert found["exact"] == totals.exact
    usage = graph.inventory.usage
    assert found.get("engine_bytes") == (usage.layers_size if usage else None)
    assert ("content_bytes" in found) == (graph.content is not None)
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            assert sample.labels["host"]
    values = [line.rpartition(" ")[2] for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"\d+", value) for value in values), "integers, never 8.9e9"


def test_what_is_not_known_has_no_metric() -> None:
    refused = replace(SMALL, usage=None, content=ContentStore(refused="no"))
    assert not {"engine_bytes", "content_bytes"} & metrics(report_prometheus(build_graph(refused))).keys()


def test_a_label_may_hold_anything() -> None:
    engine = replace(SMALL.engine, name='a"b\\c\nd{e}', version='1"\\')
    (info,) = [
        sample
        for family in text_string_to_metric_families(report_prometheus(build_graph(replace(SMALL, engine=engine))))
        for sample in family.samples
        if sample.name == "layerscope_engine_info"
    ]
    assert info.labels["version"] == '1"\\'
    assert info.labels["host"].startswith('a"b\\c')


def test_an_address_with_a_password_is_not_a_label() -> None:
    engine = replace(SMALL.engine, name="", host="ssh://me:secret@host")
    assert "secret" not in report_prometheus(build_graph(replace(SMALL, engine=engine)))


# -- Markdown -----------------------------------------------------------------------------


def test_a_renderer_sees_headings_tables_and_nothing_else(graph: LayerGraph) -> None:
    text = report_markdown(graph)
    tokens = RENDERER.parse(text)
    kinds = {token.type for token in tokens}
    assert kinds <= {
        *("heading_open", "heading_close", "inline", "paragraph_open", "paragraph_close"),
        *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
    }
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "text_special", "softbreak"}, "no link, no code, no emphasis comes of an image's text"
    assert max(map(len, text.splitlines())) < 1_000
    rows = text.splitlines()
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows if row.startswith("|")]
    assert set(widths) <= {4, 5, 6}
    images = len(graph.images)
    assert sum(token.type == "tr_open" for token in tokens) >= min(images, MOST_IMAGES)


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "*x* _y_ __z__",
        "`c`",
        "[l](http://x)",
        "<b>&amp;",
        "http://x.y www.x.y",
        "~~s~~",
        "![i](x)",
        "\\|",
        "$x$",
    ],
)
def test_text_is_shown_as_it_is(text: str) -> None:
    (inline,) = [token for token in MarkdownIt("gfm-like").parse(f"a {escaped(text)}") if token.type == "inline"]
    assert "".join(child.content for child in inline.children or ()) == f"a {text}"
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}


def test_instructions_of_an_image_do_not_break_the_table() -> None:
    evil = HistoryEntry("RUN echo | tee <x> && `id` **b** [a](b)\nFROM x | y", 5_000_000)
    first = SMALL.images[0]
    images = tuple(replace(image, history=(evil, *(image.history or ())[1:])) for image in SMALL.images)
    assert first.history is not None
    text = report_markdown(build_graph(replace(SMALL, images=images)))
    html = RENDERER.render(text)
    assert "<x>" not in html
    assert "<strong>" not in html
    assert "<code>" not in html


def test_what_is_left_out_is_counted() -> None:
    many = tuple(replace(SMALL.images[0], id=f"sha256:{n:064x}", tags=(f"a:{n}",)) for n in range(60))
    assert "and 10 more images" in report_markdown(build_graph(replace(SMALL, images=many, containers=())))


def test_one_form_at_a_time() -> None:
    result = CliRunner().invoke(cli, ["report", "--demo", "--markdown", "--prometheus"])
    assert result.exit_code == 2
    assert "--markdown and --prometheus are two reports" in result.stderr
    for form in ("--markdown", "--prometheus"):
        assert CliRunner().invoke(cli, ["report", "--demo", form]).exit_code == 0
