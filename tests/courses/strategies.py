"""Questions of every kind, as hypothesis draws them: two languages or one, Markdown, signs that formats trip over."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from courses.exams.content import read_content
from courses.exams.interchange.base import Item, Media, one_line
from courses.exams.shapes import Question

SIGNS = "ab中文 ，。*_`[](){}<>&#+-=~!|\\1:;%\"'^$@/\n\t\u00a0\u200b😀é"
WORDS = st.text(alphabet=SIGNS, min_size=1, max_size=30).filter(str.strip)
MARKDOWN = st.one_of(
    WORDS,
    st.sampled_from(
        [
            "**bold** and `code`",
            "# Title\n\n- a\n- b\n\n1. c",
            "```sh\nls -l | wc\n```",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "{mlang en}not a mark{mlang}",
            "]]> & <b>no tag</b>",
            "![shown](media:a.png)",
        ]
    ),
)
# What JSON holds and XML does not: control characters survive in what is sealed.
ANYTHING = st.one_of(MARKDOWN, st.text(max_size=30).filter(lambda words: bool(words.strip())))


def texts(words: st.SearchStrategy[str] = MARKDOWN) -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(
        st.fixed_dictionaries({"zh": words, "en": words}),
        st.fixed_dictionaries({"zh": words}),
        st.fixed_dictionaries({"en": words}),
    )


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
NUMBERS = st.decimals(min_value=-(10**6), max_value=10**6, places=3).map(str)
TOLERANCES = st.decimals(min_value=0, max_value=100, places=3).map(str)
LINES = WORDS.map(one_line).filter(bool)


@st.composite
def parts(draw: st.DrawFn, least: int = 2, most: int = 4, **more: Any) -> list[dict[str, Any]]:
    ids = draw(st.lists(NAMES, min_size=least, max_size=most, unique=True))
    return [
        {
            "id": name,
            "text": draw(texts()),
            **{key: value for key, one in more.items() if (value := draw(one))},
        }
        for name in ids
    ]


OPTIONS = parts(feedback=st.none() | texts())
ACCEPTED = st.lists(
    st.one_of(
        st.fixed_dictionaries({"text": LINES, "rule": st.sampled_from(["exact", "normalised"])}),
        st.fixed_dictionaries(
            {
                "text": st.sampled_from(["chmod [0-7]+", "(?i)a.*b", "a.*", ".*", "x{2}", r"\*\.py"]),
                "rule": st.just("regex"),
                "share": st.sampled_from(["1", "0.5", "0.3333333"]),
            }
        ),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def rubrics(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        {
            **criterion,
            "levels": [
                {"points": points, "text": draw(texts())}
                for points in [*draw(st.lists(st.integers(1, 20), min_size=1, max_size=3, unique=True)), 0]
            ],
        }
        for criterion in draw(parts(least=1, most=2))
    ]


@st.composite
def units(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["GiB", "MiB", "m/s", "元", "%"]), max_size=3, unique=True))
    if not names:
        return {}
    factors = st.sampled_from(["1", "1024", "0.001"])
    rule = draw(st.sampled_from(["optional", "required"]))
    return {"units": [{"name": name, "factor": draw(factors)} for name in names], "unit_rule": rule}


@st.composite
def single(draw: st.DrawFn) -> dict[str, Any]:
    options = draw(OPTIONS)
    key = draw(st.sampled_from(options))["id"]
    return {"kind": "single", "options": options, "key": key, "shuffle": draw(st.booleans())}


@st.composite
def multiple(draw: st.DrawFn) -> dict[str, Any]:
    options = draw(OPTIONS)
    key = draw(st.lists(st.sampled_from([one["id"] for one in options]), min_size=1, unique=True))
    rule = draw(st.sampled_from(["all_or_nothing", "right_minus_wrong", "each_option"]))
    return {"kind": "multiple", "options": options, "key": key, "rule": rule, "shuffle": draw(st.booleans())}


@st.composite
def matching(draw: st.DrawFn) -> dict[str, Any]:
    left, right = draw(parts()), draw(parts())
    key = {one["id"]: draw(st.sampled_from(right))["id"] for one in left}
    return {"kind": "matching", "left": left, "right": right, "key": key, "shuffle": draw(st.booleans())}


@st.composite
def cloze(draw: st.DrawFn) -> dict[str, Any]:
    gaps = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        options = draw(parts())
        key = draw(st.sampled_from(options))["id"]
        kinds = [
            {"kind": "text", "accepted": draw(ACCEPTED)},
            {"kind": "number", "key": draw(NUMBERS), "tolerance": draw(TOLERANCES)},
            {"kind": "choice", "options": options, "key": key},
        ]
        gaps.append({"id": name, "weight": draw(st.integers(1, 5)), **draw(st.sampled_from(kinds))})
    languages = draw(st.sampled_from([("zh",), ("en",), ("zh", "en")]))
    plain = st.text(alphabet="ab中 ，.\n", max_size=10)
    marks = [f"[[{gap['id']}]]" for gap in gaps]
    stem = {code: "".join(draw(plain) + mark for mark in draw(st.permutations(marks))) for code in languages}
    return {"kind": "cloze", "stem": stem, "gaps": gaps}


@st.composite
def parameterised(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "kind": "numeric",
        "stem": {"en": "What is {{n}} times {{m}}?", "zh": "{{n}} 乘 {{m}} 是多少？"},
        "key": draw(st.sampled_from(["n*m", "n**2 + m", "round(n / m, 2)", "max(n, m) - abs(n)", "n // m"])),
        "parameters": [
            {"name": "n", "low": "1", "high": draw(st.integers(1, 99).map(str))},
            {"name": "m", "low": "0.5", "high": "9.5", "step": "0.5"},
        ],
        "tolerance": draw(TOLERANCES),
        "tolerance_rule": draw(st.sampled_from(["absolute", "relative"])),
    }


TESTS = st.lists(
    st.fixed_dictionaries(
        {"stdin": ANYTHING, "stdout": ANYTHING, "weight": st.integers(1, 9), "hidden": st.booleans()}
    ),
    min_size=1,
    max_size=3,
).map(lambda tests: [{"id": f"t{place}", **test} for place, test in enumerate(tests)])

KINDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "single": single(),
    "multiple": multiple(),
    "true_false": st.fixed_dictionaries({"kind": st.just("true_false"), "key": st.booleans()}),
    "numeric": st.one_of(
        st.builds(
            lambda base, more: {**base, **more},
            st.fixed_dictionaries(
                {
                    "kind": st.just("numeric"),
                    "key": NUMBERS,
                    "tolerance": TOLERANCES,
                    "tolerance_rule": st.sampled_from(["absolute", "relative"]),
                }
            ),
            units(),
        ),
        parameterised(),
    ),
    "short_text": st.fixed_dictionaries({"kind": st.just("short_text"), "accepted": ACCEPTED}),
    "matching": matching(),
    "ordering": st.fixed_dictionaries(
        {
            "kind": st.just("ordering"),
            "items": parts(),
            "rule": st.sampled_from(["all_or_nothing", "places", "neighbours"]),
        }
    ),
    "cloze": cloze(),
    "essay": st.fixed_dictionaries(
        {
            "kind": st.just("essay"),
            "rubric": rubrics(),
            "least_words": st.integers(0, 100),
            "most_words": st.integers(100, 900),
        }
    ),
    "file_upload": st.fixed_dictionaries(
        {
            "kind": st.just("file_upload"),
            "rubric": rubrics(),
            "extensions": st.lists(st.sampled_from(["pdf", "zip", "py", "md"]), min_size=1, unique=True),
            "most_files": st.integers(1, 10),
            "most_bytes": st.integers(1, 50 * 2**20),
        }
    ),
    "code": st.fixed_dictionaries(
        {
            "kind": st.just("code"),
            "language": st.sampled_from(["python", "shell"]),
            "starter": ANYTHING,
            "tests": TESTS,
        }
    ),
    "lab_task": st.fixed_dictionaries(
        {
            "kind": st.just("lab_task"),
            "lab": st.just("linux-processes"),
            "checks": st.lists(LINES, max_size=3, unique=True).map(
                lambda names: [{"name": name} for name in names]
            ),
        }
    ),
}


@st.composite
def contents(draw: st.DrawFn, kind: str | None = None, words: st.SearchStrategy[str] = ANYTHING) -> Question:
    """A question of ``kind``, or of any."""
    raw = draw(KINDS[kind or draw(st.sampled_from(sorted(KINDS)))])
    explanation = draw(st.none() | texts(words))
    return read_content({"stem": draw(texts(words)), "explanation": explanation, **raw})


MEDIA = st.lists(
    st.builds(Media, st.sampled_from(["a.png", "images/b.png", "图.svg"]), st.binary(max_size=20)),
    max_size=2,
    unique_by=lambda media: media.name,
).map(tuple)


@st.composite
def items(draw: st.DrawFn, kind: str | None = None, words: st.SearchStrategy[str] = ANYTHING) -> Item:
    """A question with all that a bank says about it."""
    labels = st.lists(LINES, max_size=2, unique=True).map(tuple)
    return Item(
        content=draw(contents(kind, words)),
        identifier=draw(st.just("") | LINES),
        title=draw(st.just("") | LINES),
        marks=draw(st.decimals(Decimal("0.01"), Decimal(1000), places=2)),
        tags=draw(labels),
        difficulty=draw(st.sampled_from([1, 2, 3])),
        objectives=draw(labels),
        clauses=draw(labels),
        category=draw(labels),
        media=draw(MEDIA),
    )
