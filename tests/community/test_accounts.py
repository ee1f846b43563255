import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from community.api import Role, User, person_with_token
from community.models import ApiToken
from tests.community.conftest import PASSWORD, SmallSite, person_with

SIGN_UP = {
    "username": "xiaoyun",
    "email": "xiaoyun@example.org",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "printed_name": "王小云",
}
ENTRANCES = ("account_login", "account_signup", "account_reset_password", "account_reset_password_done")
OWN_PAGES = ("account", "account_email", "account_change_password", "usersessions_list", "account_logout")


def at(name: str, *args: object, language: str = "en") -> str:
    with override(language):
        return reverse(name, args=args)


def test_signing_up_keeps_the_name_to_be_printed(site: SmallSite, client: Client) -> None:
    answer = client.post(at("account_signup"), SIGN_UP)
    assert answer.status_code == 302
    assert User.objects.get(username="xiaoyun").name_to_print == "王小云"


def test_a_name_is_printed_without_doubled_spaces(site: SmallSite, client: Client) -> None:
    client.post(at("account_signup"), SIGN_UP | {"printed_name": "  Wang\t Xiaoyun "})
    assert User.objects.get(username="xiaoyun").printed_name == "Wang Xiaoyun"


@pytest.mark.parametrize("name", ["", "   ", "evil\u202ename", "zero\u200bwidth"])
def test_signing_up_without_a_printable_name_is_refused(site: SmallSite, client: Client, name: str) -> None:
    answer = client.post(at("account_signup"), SIGN_UP | {"printed_name": name})
    assert answer.status_code == 200
    assert "printed_name" in answer.context["form"].errors
    assert not User.objects.filter(username="xiaoyun").exists()


def test_a_refused_sign_up_keeps_what_was_typed_and_says_error_in_the_title(
    site: SmallSite, client: Client
) -> None:
    page = client.post(at("account_signup"), SIGN_UP | {"email": "no"}).content.decode()
    assert 'value="王小云"' in page
    assert re.search(r"<title>Error:", page)
    assert 'href="#id_email"' in page


def test_the_mail_of_a_sign_up_leads_to_a_page_that_confirms_the_address(
    site: SmallSite, client: Client
) -> None:
    client.post(at("account_signup"), SIGN_UP)
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)
    assert link is not None
    client.post(link[1])
    assert User.objects.get(username="xiaoyun").emailaddress_set.get().verified


@pytest.mark.parametrize("login", ["trainee", "trainee@example.org"])
def test_people_sign_in_with_username_or_address(
    site: SmallSite, trainee: User, client: Client, login: str
) -> None:
    answer = client.post(at("account_login"), {"login": login, "password": PASSWORD})
    assert answer.url == at("dashboard")  # type: ignore[attr-defined]


def test_a_forgotten_password_is_replaced_through_the_mailed_link(
    site: SmallSite, trainee: User, client: Client
) -> None:
    client.post(at("account_reset_password"), {"email": trainee.email})
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)
    assert link is not None
    form = client.get(link[1], follow=True)
    client.post(
        form.request["PATH_INFO"], {"password1": "another long secret", "password2": "another long secret"}
    )
    trainee.refresh_from_db()
    assert trainee.check_password("another long secret")


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("zh-hans", "设置新密码", "您的用户名是 trainee。"),
        ("en", "Choose a new password", "Your username is trainee."),
    ],
)
def test_mail_is_written_and_leads_on_in_the_language_of_the_page(
    site: SmallSite, trainee: User, client: Client, language: str, subject: str, words: str
) -> None:
    client.post(at("account_reset_password", language=language), {"email": trainee.email})
    letter = mail.outbox[0]
    assert subject in letter.subject
    assert words in letter.body
    assert f"http://testserver/{language}/accounts/" in letter.body


def test_asking_for_a_new_password_tells_nobody_which_addresses_have_accounts(
    site: SmallSite, trainee: User, client: Client
) -> None:
    answers = [
        client.post(at("account_reset_password"), {"email": email}, follow=True)
        for email in (trainee.email, "nobody@example.org")
    ]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert len(mail.outbox) == 2


def test_trying_passwords_is_limited(site: SmallSite, trainee: User, client: Client) -> None:
    for _ in range(12):
        answer = client.post(at("account_login"), {"login": "trainee", "password": "wrong"})
    right = client.post(at("account_login"), {"login": "trainee", "password": PASSWORD})
    assert answer.status_code in {200, 429}
    assert right.status_code != 302


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", ENTRANCES)
def test_every_entrance_is_drawn_in_both_languages(
    site: SmallSite, client: Client, name: str, language: str
) -> None:
    assert client.get(at(name, language=language)).status_code == 200


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", OWN_PAGES)
def test_every_account_page_is_drawn_in_both_languages(
    trainee_client: Client, name: str, language: str
) -> None:
    answer = trainee_client.get(at(name, language=language))
    assert answer.status_code == 200
    assert f'<html lang="{"zh-Hans" if language == "zh-hans" else "en"}"' in answer.content.decode()


@pytest.mark.parametrize("name", ["account", "dashboard"])
def test_strangers_are_sent_to_sign_in_and_back(site: SmallSite, client: Client, name: str) -> None:
    answer = client.get(at(name))
    assert answer.url == f"{at('account_login')}?next={at(name)}"  # type: ignore[attr-defined]


def test_a_person_changes_the_name_to_be_printed(trainee_client: Client, trainee: User) -> None:
    trainee_client.post(at("account"), {"printed_name": "欧阳 小云"})
    trainee.refresh_from_db()
    assert trainee.name_to_print == "欧阳 小云"


def test_a_new_token_is_shown_once_and_opens_the_door(trainee_client: Client, trainee: User) -> None:
    made = trainee_client.post(at("account_make_token"), {"name": "homework"})
    shown = re.search(r"yl_[\w-]+", made.content.decode())
    assert shown is not None
    assert person_with_token(shown[0]) == trainee
    assert shown[0] not in trainee_client.get(at("account")).content.decode()


def test_a_shown_token_is_never_cached(trainee_client: Client) -> None:
    made = trainee_client.post(at("account_make_token"), {"name": "homework"})
    assert "no-store" in made["Cache-Control"]


def test_switching_language_on_a_shown_token_leads_to_the_account_and_makes_no_other(
    trainee_client: Client, trainee: User
) -> None:
    trainee_client.post(at("account_make_token"), {"name": "homework"})
    answer = trainee_client.get(at("account_make_token", language="zh-hans"))
    assert answer["Location"] == at("account", language="zh-hans")
    assert trainee.bearer_tokens.count() == 1


def test_a_token_without_a_name_is_refused(trainee_client: Client, trainee: User) -> None:
    assert trainee_client.post(at("account_make_token"), {"name": ""}).status_code == 422
    assert not trainee.bearer_tokens.exists()


def test_revoking_asks_first(trainee_client: Client, trainee: User) -> None:
    plaintext = ApiToken.issue(trainee, "homework")
    token = trainee.bearer_tokens.get()
    assert trainee_client.get(at("account_revoke_token", token.pk)).status_code == 200
    assert person_with_token(plaintext) == trainee


def test_a_revoked_token_opens_nothing(trainee_client: Client, trainee: User) -> None:
    plaintext = ApiToken.issue(trainee, "homework")
    trainee_client.post(at("account_revoke_token", trainee.bearer_tokens.get().pk))
    assert person_with_token(plaintext) is None


def test_nobody_revokes_anothers_token(trainee_client: Client) -> None:
    other = person_with(Role.TRAINEE, "other")
    plaintext = ApiToken.issue(other, "theirs")
    answer = trainee_client.post(at("account_revoke_token", other.bearer_tokens.get().pk))
    assert answer.status_code == 404
    assert person_with_token(plaintext) == other


def test_a_closed_accounts_token_opens_nothing(site: SmallSite, trainee: User) -> None:
    plaintext = ApiToken.issue(trainee)
    trainee.is_active = False
    trainee.save()
    assert person_with_token(plaintext) is None


def test_the_account_page_has_a_query_budget(
    trainee_client: Client, trainee: User, django_assert_max_num_queries: object
) -> None:
    for number in range(20):
        ApiToken.issue(trainee, f"token {number}")
    trainee_client.get(at("account"))
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        trainee_client.get(at("account"))


def test_where_i_am_signed_in_lists_this_session(site: SmallSite, trainee: User, client: Client) -> None:
    client.post(at("account_login"), {"login": "trainee", "password": PASSWORD})
    assert len(client.get(at("usersessions_list")).context["sessions"]) == 1
