"""Near-duplicates: warned of in both languages, the same way each time, and never more than a warning."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from courses.exams import bank as verbs
from courses.exams.likeness import bands, likeness, shingles
from tests.courses.bank.worlds import bank_world, written

CHINESE = "负载均衡器把请求分给两个后端，其中一个停止应答健康检查，接下来会发生什么？"
ENGLISH = "A load balancer shares requests between two back ends and one of them stops answering."


@given(st.text())
def test_every_text_is_like_itself(text):
    pieces = shingles(text)
    assert likeness(pieces, pieces) == (1 if pieces else 0)
    assert bands(pieces) == bands(shingles(text))


@given(st.text(), st.text())
def test_likeness_is_a_share_and_the_same_from_both_sides(one, other):
    a, b = shingles(one), shingles(other)
    assert likeness(a, b) == likeness(b, a)
    assert 0 <= likeness(a, b) <= 1


def test_case_width_and_punctuation_make_no_difference():
    assert shingles("ＣＨＭＯＤ, 644!") == shingles("chmod 644")


def test_likeness_is_exact():
    assert likeness(shingles("云计算"), shingles("云计费")) == Fraction(1, 3)


def test_a_reworded_question_is_found_in_either_language(world):
    world.approved("old", stem={"zh": CHINESE, "en": ENGLISH})
    only_chinese = written("true_false", stem={"zh": CHINESE.replace("两个", "三个")})
    only_english = written("true_false", stem={"en": ENGLISH.replace("two", "three")})
    for asked in (only_chinese, only_english):
        found = verbs.alike(world.bank, asked.content)
        assert [one.version.question.code for one in found] == ["old"]
        assert found[0].share >= verbs.ALIKE


def test_a_question_is_not_like_itself_nor_like_another(world):
    version = world.draft("old", "short_text", stem={"zh": CHINESE, "en": ENGLISH})
    world.draft("far", "short_text", stem={"zh": "文件权限六四四是什么意思？", "en": "What is mode 644?"})
    assert verbs.alike(world.bank, version.asked, version.question) == []


def test_equal_options_alone_make_no_two_questions_alike(world):
    world.draft("old", stem={"zh": CHINESE})
    assert verbs.alike(world.bank, written(stem={"zh": "文件权限六四四表示所有者可以做什么？"}).content) == []


def test_questions_of_another_bank_are_not_told(world):
    other = bank_world("other")
    other.draft("secret", stem={"zh": CHINESE})
    assert verbs.alike(world.bank, written(stem={"zh": CHINESE}).content) == []


def test_finding_near_duplicates_takes_one_query_however_many_there_are(world, django_assert_num_queries):
    for number in range(12):
        world.draft(f"q{number}", stem={"zh": f"{CHINESE}{number}"})
    content = written(stem={"zh": CHINESE}).content
    with django_assert_num_queries(1):
        assert len(verbs.alike(world.bank, content)) == verbs.MOST_ALIKE
