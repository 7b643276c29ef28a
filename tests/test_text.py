"""Text from images is data: whatever it holds, it comes out as one harmless line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from layerscope.text import clean, fit, fit_name, fold_instruction, pad

ANY_TEXT = st.text(st.characters()) | st.text(
    st.sampled_from(
        "a [/]\\\n\t\x1b\x07\x9b\x7f\u0301\u05b0\u200b\u200d\u202e\u2066\ufe0f\ud800\udfff\ue000가\U0001f44d"
    )
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain [red]text[/] \\n", "plain [red]text[/] \\n"),
        ("a\nb\tc\r", "a␊b␉c␍"),
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x9b31m\x7f", "\\u009b31m␡"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("a\u200bb\u2028c\ufeff", "a\\u200bb\\u2028c\\ufeff"),
        ("\u2066x\u2069\u061c\u200e", "\\u2066x\\u2069\\u061c\\u200e"),
        ("\ud800 \ue0a0 \U000e0041", "\\ud800 \\ue0a0 \\U000e0041"),
        ("a\u00a0b\u3000c", "a b c"),
        ("héllo 가 日本 👍", "héllo 가 日本 👍"),
        ("e\u0301tat", "e\u0301tat"),
        ("\u0301stray", "\\u0301stray"),
        ("z" + "\u0301" * 6, "z" + "\u0301" * 4 + "\\u0301\\u0301"),
        ("❤\ufe0f 👍🏽", "❤\\ufe0f 👍\\U0001f3fd"),
    ],
)
def test_clean_shows_what_a_terminal_would_obey(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(ANY_TEXT)
def test_clean_text_is_one_printable_line_that_prints_anywhere(raw: str) -> None:
    shown = clean(raw)
    assert shown.isprintable()
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in shown)
    shown.encode("utf-8")
    assert clean(shown) == shown


@given(ANY_TEXT, st.integers(0, 40))
def test_limit_is_never_passed_and_cuts_are_marked(raw: str, limit: int) -> None:
    shown, whole = clean(raw, limit), clean(raw)
    assert len(shown) <= limit
    if len(whole) <= limit:
        assert shown == whole
    elif limit:
        assert shown.endswith("…")


@given(ANY_TEXT, st.integers(0, 40))
def test_fit_and_pad_keep_to_the_cells(raw: str, width: int) -> None:
    text = clean(raw)
    assert cell_len(fit(text, width)) <= width
    assert cell_len(fit_name(text, width)) <= width
    assert cell_len(pad(text, width)) == width
    assert cell_len(pad(text, width, right=True)) == width
    if cell_len(text) <= width:
        assert fit(text, width) == (text if width else "")


def test_fit_never_splits_a_wide_character() -> None:
    assert fit("日本語", 6) == "日本語"
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 4) == "日…"
    assert fit("image-name", 6) == "image…"
    assert pad("12", 4, right=True) == "  12"


def test_a_long_name_keeps_its_tag() -> None:
    name = "registry.local:5000/team/shop/shop-api:2.4.1"
    assert fit_name(name, 36) == "registry.local:5000/…/shop-api:2.4.1"
    assert fit_name(name, 24) == "registry…/shop-api:2.4.1"
    assert fit_name(name, 12) == "reg…pi:2.4.1"
    assert fit_name("<none> f22e5544077b", 14) == "<none> f22e55…", "of an ID the beginning tells"


SHA = "52319aa9a2174787ba7838f0bb1a74f9ea9afad1c7686008db964a7067253029"


@pytest.mark.parametrize(
    ("created_by", "line"),
    [
        # BuildKit
        ("ADD busybox.tar / # buildkit", "ADD busybox.tar /"),
        ("RUN /bin/sh -c true # buildkit", "RUN true"),
        ("RUN /bin/sh -c echo hi > /x && mkdir /d # buildkit", "RUN echo hi > /x && mkdir /d"),
        ("RUN |2 A=1 B=x y /bin/sh -c make \t  all # buildkit", "RUN make all"),
        ("RUN /bin/bash -o pipefail -c true # buildkit", "RUN /bin/bash -o pipefail -c true"),
        ('CMD ["nginx" "-g" "daemon off;"]', 'CMD ["nginx" "-g" "daemon off;"]'),
        ("EXPOSE map[80/tcp:{}]", "EXPOSE map[80/tcp:{}]"),
        ("WORKDIR /app", "WORKDIR /app"),
        ("RUN <<EOF\necho 1\nEOF # buildkit", "RUN <<EOF␊echo 1␊EOF"),
        # the classic builder, and Podman, which writes the same
        ('/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'),
        ("/bin/sh -c #(nop) ENV A=1", "ENV A=1"),
        ("/bin/sh -c #(nop) WORKDIR /", "WORKDIR /"),
        (f"/bin/sh -c #(nop) ADD file:{SHA} in / ", "ADD file:52319aa9a217… in /"),
        (f"/bin/sh -c #(nop) COPY multi:{SHA} in /a.bin      ", "COPY multi:52319aa9a217… in /a.bin"),
        ("/bin/sh -c true", "RUN true"),
        ("|1 A=1 /bin/sh -c echo $A", "RUN echo $A"),
        # other hands
        ("sh -c dd if=/dev/zero of=/z 2>/dev/null; mkdir /zz", "sh -c dd if=/dev/zero of=/z 2>/dev/null; mkdir /zz"),
        ("jib-maven-plugin:3.4.0", "jib-maven-plugin:3.4.0"),
        ("", ""),
        ("   ", ""),
        ("/bin/sh -c ", "/bin/sh -c"),
        ("RUN |1 no shell here", "RUN |1 no shell here"),
    ],
)
def test_folded_instructions_read_as_in_the_dockerfile(created_by: str, line: str) -> None:
    assert fold_instruction(created_by) == line


def test_folding_cleans() -> None:
    assert fold_instruction("RUN /bin/sh -c printf '\x1b[2J' [bold] # buildkit") == "RUN printf '␛[2J' [bold]"
    assert fold_instruction("RUN /bin/sh -c " + "x" * 9000, 20) == "RUN " + "x" * 15 + "…"
