"""What certification shows in the frame of the site: panel, menus, search, clause threads, and the author's form."""

from django.forms import CheckboxSelectMultiple, MultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from wagtail import hooks
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from certification import keys, reading
from certification.forms import ClausesField
from certification.models import Programme
from certification.permissions import is_operator
from community.api import (
    ClauseReference,
    NavItem,
    Panel,
    Role,
    RoleGrant,
    SearchHit,
    StatusPart,
    ThreadItem,
    signed_in,
)
from courses.api import courses_for_choice

SHOWN_ON_THE_DASHBOARD = 3
MOST_HITS = 10


class ProgrammeForm(WagtailAdminModelForm):
    """Chooses the required courses by title."""

    course_ids = MultipleChoiceField(
        label=gettext_lazy("required courses"),
        choices=courses_for_choice,
        widget=CheckboxSelectMultiple,
        help_text=gettext_lazy("All of them must be completed."),
    )
    clauses = ClausesField(
        label=gettext_lazy("clauses attested"),
        required=False,
        help_text=gettext_lazy("One reference a line, such as yl-t-001:2026:service-health."),
    )


class ProgrammeViewSet(SnippetViewSet):
    model = Programme
    icon = "form"
    add_to_admin_menu = True
    list_display = ["title_zh", "title_en", "active"]
    search_fields = ["title_zh", "title_en"]
    edit_handler = ObjectList(
        [
            FieldPanel("slug"),
            MultiFieldPanel(
                [FieldPanel("title_zh"), FieldPanel("description_zh"), FieldPanel("criteria_zh")],
                heading=gettext_lazy("In Chinese"),
            ),
            MultiFieldPanel(
                [FieldPanel("title_en"), FieldPanel("description_en"), FieldPanel("criteria_en")],
                heading=gettext_lazy("In English"),
            ),
            FieldPanel("course_ids"),
            FieldPanel("clauses"),
            FieldPanel("validity_months"),
            FieldPanel("active"),
        ],
        base_form_class=ProgrammeForm,
    )


register_snippet(ProgrammeViewSet)


@hooks.register("dashboard_panels")
def certificates_panel(request: HttpRequest) -> Panel:
    held = reading.held_by(signed_in(request))[:SHOWN_ON_THE_DASHBOARD]
    return Panel(30, _("My certificates"), "certification/panel.html", {"held": held})


@hooks.register("navigation_items")
def verify_item(request: HttpRequest) -> NavItem:
    return NavItem(40, _("Verify"), "certification:verify")


@hooks.register("account_items")
def account_items(request: HttpRequest) -> list[NavItem]:
    items = [NavItem(30, _("My certificates"), "certification:wallet")]
    if is_operator(request.user):
        items.append(NavItem(60, _("Register of certificates"), "certification:register"))
    return items


@hooks.register("footer_items")
def programmes_item(request: HttpRequest) -> NavItem:
    return NavItem(30, _("Programmes"), "certification:programmes")


@hooks.register("search_providers")
def programmes_found(query: str, language: str) -> list[SearchHit]:
    with override(language):
        return [
            SearchHit(found.title, found.get_absolute_url(), _("Programme"), found.description)
            for found in Programme.objects.active().matching(query)[:MOST_HITS]
        ]


@hooks.register("clause_threads", order=30)
def attesting_programmes(reference: ClauseReference) -> list[ThreadItem]:
    """The programmes whose credential attests the clause."""
    return [
        ThreadItem(_("Certificate"), programme.title, programme.get_absolute_url())
        for programme in Programme.objects.active()
        if str(reference) in programme.clauses
    ]


@hooks.register("status_parts")
def signing_status(request: HttpRequest) -> StatusPart:
    """Whether certificates can be signed."""
    try:
        keys.signing_key()
    except keys.KeyProblem as problem:
        return StatusPart(
            40, _("Certificates"), _("Certificates cannot be signed at the moment."), str(problem)
        )
    return StatusPart(40, _("Certificates"))


@hooks.register("role_grants")
def programme_grants() -> list[RoleGrant]:
    """Operators write programmes; nobody deletes one, since credentials were issued for it."""
    verbs = ("view", "add", "change")
    return [RoleGrant(Role.OPERATOR.value, f"certification.{verb}_programme") for verb in verbs]
