"""What the roles may really do, tried through Wagtail's own views."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from wagtail import hooks
from wagtail.models import GroupCollectionPermission, GroupPagePermission, Page
from wagtail.test.utils.form_data import nested_form_data, streamfield

from community.api import Role, RoleGrant, User, assign, ensure_roles, grant, is_editor
from community.models import DraftPage
from community.roles import UnknownPermission
from tests.community.conftest import CLAUSES, PASSWORD, SmallSite, person_with, signed_in_as


@pytest.fixture
def editor(site: SmallSite) -> Client:
    return signed_in_as(person_with(Role.EDITOR))


@pytest.fixture
def operator(site: SmallSite) -> Client:
    return signed_in_as(person_with(Role.OPERATOR))


def edit_url(page: Page) -> str:
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def draft_form(draft: DraftPage, title: str, **more: str) -> dict[str, str]:
    """What the editor's browser posts for ``draft`` with a new title."""
    body = json.dumps({"blocks": [], "entityMap": {}})
    clauses = [
        (
            "clause",
            {"clause": c.anchor, "level": str(c.level), "kind": "normative", "title": c.title, "body": body},
        )
        for c in draft.numbered_clauses
    ]
    form = {
        "title": title,
        "slug": draft.slug,
        "standard_key": draft.standard_key,
        "edition": draft.edition,
        "stage": draft.stage,
        "comments_until": "",
        "abstract": draft.abstract,
        "clauses": streamfield(clauses),
        "seo_title": "",
        "search_description": "",
        "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0",
        "comments-MIN_NUM_FORMS": "0",
        "comments-MAX_NUM_FORMS": "",
    }
    return nested_form_data(form) | more


def test_an_editor_edits_and_publishes_the_draft(site: SmallSite, editor: Client) -> None:
    form = draft_form(site.draft.zh, "新名称", **{"action-publish": "1"})
    assert editor.post(edit_url(site.draft.zh), form).status_code == 302
    assert DraftPage.objects.get(pk=site.draft.zh.pk).title == "新名称"


def test_an_editors_saved_text_is_not_public_before_publishing(site: SmallSite, editor: Client) -> None:
    editor.post(edit_url(site.draft.zh), draft_form(site.draft.zh, "新名称"))
    saved = DraftPage.objects.get(pk=site.draft.zh.pk)
    assert saved.title == "沙箱要求"
    assert saved.get_latest_revision_as_object().title == "新名称"


def test_an_editor_previews_the_draft(site: SmallSite, editor: Client) -> None:
    url = reverse("wagtailadmin_pages:preview_on_edit", args=[site.draft.zh.pk])
    kept = editor.post(url, draft_form(site.draft.zh, "预览中的名称"))
    assert kept.json()["is_valid"]
    shown = editor.get(f"{url}?mode=")
    assert "预览中的名称" in shown.content.decode()
    assert f'id="{CLAUSES[0][0]}"' in shown.content.decode()
    assert "frame-ancestors 'self'" in shown["Content-Security-Policy"]
    assert shown["X-Frame-Options"] == "SAMEORIGIN"


def test_an_editor_opens_the_draft_in_both_languages(site: SmallSite, editor: Client) -> None:
    answers = [editor.get(edit_url(draft)).status_code for draft in (site.draft.zh, site.draft.en)]
    assert answers == [200, 200]


def test_an_editor_may_publish_the_translation(site: SmallSite, editor: Client) -> None:
    person = User.objects.get(username=Role.EDITOR.value)
    assert site.draft.en.permissions_for_user(person).can_publish()


def test_a_repeated_clause_id_is_refused_in_the_editors_form(site: SmallSite, editor: Client) -> None:
    form = draft_form(site.draft.zh, "新名称", **{"action-publish": "1"})
    form["clauses-1-value-clause"] = form["clauses-0-value-clause"]
    answer = editor.post(edit_url(site.draft.zh), form)
    assert answer.status_code == 200
    assert DraftPage.objects.get(pk=site.draft.zh.pk).title == "沙箱要求"


@pytest.mark.parametrize("name", ["home", "news", "piece", "text"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_editor_edits_nothing_else(site: SmallSite, editor: Client, name: str, language: str) -> None:
    page = getattr(getattr(site, name), language)
    answer = editor.get(edit_url(page))
    assert answer.status_code == 302
    assert answer.url == reverse("wagtailadmin_home")  # type: ignore[attr-defined]


def test_an_editor_adds_no_page_outside_the_standards(site: SmallSite, editor: Client) -> None:
    url = reverse("wagtailadmin_pages:add", args=["community", "newspage", site.news.zh.pk])
    assert editor.get(url).status_code == 302


@pytest.mark.parametrize(
    "name", ["wagtailusers_users:index", "wagtailsites:index", "wagtailusers_groups:index"]
)
def test_an_editor_sees_no_people_and_no_settings(editor: Client, name: str) -> None:
    assert editor.get(reverse(name)).status_code == 302


def test_a_trainee_has_no_way_into_the_administration(trainee_client: Client) -> None:
    assert trainee_client.get(reverse("wagtailadmin_home")).status_code == 302


def test_the_administration_has_no_entrance_of_its_own_where_passwords_could_be_tried(
    site: SmallSite, operator: Client
) -> None:
    person = person_with(Role.EDITOR)
    stranger = Client()
    answer = stranger.post(
        "/admin/login/?next=/admin/pages/", {"username": person.username, "password": PASSWORD}
    )
    assert answer["Location"].endswith("/accounts/login/?next=/admin/pages/")
    assert "_auth_user_id" not in stranger.session
    assert stranger.get("/admin/password_reset/", follow=True).status_code == 404
    assert operator.get("/admin/login/")["Location"] == reverse("wagtailadmin_home")


def test_a_trainee_sent_to_the_administration_is_told_and_not_sent_in_circles(trainee_client: Client) -> None:
    answer = trainee_client.get(reverse("wagtailadmin_home"), follow=True)
    assert answer.status_code == 403
    assert len(answer.redirect_chain) == 1


def test_an_instructor_edits_only_the_tree_granted(site: SmallSite) -> None:
    grant(Role.INSTRUCTOR, site.text.zh)
    instructor = signed_in_as(person_with(Role.INSTRUCTOR))
    answers = [instructor.get(edit_url(page)).status_code for page in (site.text.zh, site.draft.zh)]
    assert answers == [200, 302]


@pytest.mark.parametrize(("app", "chooser"), [("images", "image"), ("docs", "document")])
def test_an_instructor_uploads_what_lessons_show_and_an_editor_uploads_nothing(
    site: SmallSite, editor: Client, app: str, chooser: str
) -> None:
    instructor = signed_in_as(person_with(Role.INSTRUCTOR))
    url = reverse(f"wagtail{app}_chooser:choose")
    offered = [
        f"{chooser}-chooser-upload-file" in person.get(url).content.decode()
        for person in (instructor, editor)
    ]
    assert offered == [True, False]


def test_an_operator_corrects_a_printed_name(site: SmallSite, trainee: User, operator: Client) -> None:
    url = reverse("wagtailusers_users:edit", args=[trainee.pk])
    form = {"username": "trainee", "email": trainee.email, "printed_name": "王 晓云", "is_active": "on"}
    assert operator.post(url, form).status_code == 302
    trainee.refresh_from_db()
    assert trainee.printed_name == "王 晓云"


def test_an_operator_makes_nobody_an_administrator(site: SmallSite, trainee: User, operator: Client) -> None:
    url = reverse("wagtailusers_users:edit", args=[trainee.pk])
    form = {"username": "trainee", "email": trainee.email, "is_active": "on", "is_superuser": "on"}
    operator.post(url, form)
    trainee.refresh_from_db()
    assert not trainee.is_superuser


def test_an_operator_assigns_roles_but_no_other_group(
    site: SmallSite, trainee: User, operator: Client
) -> None:
    foreign = Group.objects.create(name="Wardens")
    url = reverse("wagtailusers_users:edit", args=[trainee.pk])
    form = {"username": "trainee", "email": trainee.email, "is_active": "on", "groups": [str(foreign.pk)]}
    assert operator.post(url, form).status_code == 200
    editors = Group.objects.get(name=Role.EDITOR.value)
    assert operator.post(url, form | {"groups": [str(editors.pk)]}).status_code == 302
    assert trainee.has_role(Role.EDITOR)


def test_an_operator_changes_no_administrator(site: SmallSite, operator: Client) -> None:
    root = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    url = reverse("wagtailusers_users:edit", args=[root.pk])
    form = {
        "username": "root",
        "email": root.email,
        "password1": "taken over now",
        "password2": "taken over now",
    }
    operator.post(url, form)
    root.refresh_from_db()
    assert root.check_password(PASSWORD)


def test_an_operator_closes_no_administrators_account_in_bulk(site: SmallSite, operator: Client) -> None:
    root = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    url = reverse("wagtail_bulk_action", args=["community", "user", "set_active_state"])
    operator.post(f"{url}?id={root.pk}", {"mark_as_active": "False"})
    root.refresh_from_db()
    assert root.is_active


def test_an_administrator_sees_the_printed_name_in_the_form(site: SmallSite) -> None:
    root = signed_in_as(User.objects.create_superuser("root", "root@example.org", PASSWORD))
    page = root.get(reverse("wagtailusers_users:add")).content.decode()
    assert 'name="printed_name"' in page


def test_ensuring_the_roles_again_changes_nothing(site: SmallSite) -> None:
    kept = (Group, GroupPagePermission, GroupCollectionPermission)
    before = [model.objects.count() for model in kept]
    call_command("ensure_roles", stdout=StringIO())
    assert [model.objects.count() for model in kept] == before


def test_an_app_above_grants_its_own_permissions(site: SmallSite) -> None:
    wish = RoleGrant(Role.EMPLOYER.value, "community.view_user")
    with hooks.register_temporarily("role_grants", lambda: wish):
        ensure_roles()
    assert Group.objects.get(name=Role.EMPLOYER.value).permissions.filter(codename="view_user").exists()


def test_a_grant_of_an_unknown_permission_is_named(site: SmallSite) -> None:
    wish = RoleGrant(Role.EMPLOYER.value, "community.fly")
    with (
        hooks.register_temporarily("role_grants", lambda: wish),
        pytest.raises(UnknownPermission, match="fly"),
    ):
        ensure_roles()


def test_only_holders_of_a_role_pass_its_predicate(site: SmallSite, trainee: User) -> None:
    assert not is_editor(trainee)
    assign(trainee, Role.EDITOR)
    assert is_editor(trainee)


def test_a_closed_account_holds_no_role(site: SmallSite, trainee: User) -> None:
    assign(trainee, Role.OPERATOR)
    trainee.is_active = False
    assert not trainee.has_role(Role.OPERATOR)


@pytest.mark.parametrize("name", ["wagtailadmin_home", "wagtailusers_users:index"])
def test_the_administration_has_a_policy_without_inline_scripts(operator: Client, name: str) -> None:
    answer = operator.get(reverse(name))
    scripts = [
        part for part in answer["Content-Security-Policy"].split("; ") if part.startswith("script-src")
    ]
    assert scripts == ["script-src 'self'"]
    assert "<script>" not in answer.content.decode()
