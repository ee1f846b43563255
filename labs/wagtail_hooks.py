"""What labs add to the site's frame and to the editors' desk."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from wagtail import hooks
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel
from wagtail.admin.ui.tables import Column
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.permissions import register_permission_policy
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import CreateView, EditView, SnippetViewSet

from community.api import (
    ClauseReference,
    NavItem,
    Panel,
    Role,
    RoleGrant,
    SearchHit,
    StatusPart,
    ThreadItem,
    User,
)
from labs import sessions
from labs.api import lab_cards
from labs.models import Allowance, ImageSet, Lab, LabSession, RateCard
from labs.operating.acts import set_allowance

HITS = 20
RECENT = 5


class LabViewSet(SnippetViewSet):
    """Editors change a lab's words; machines and checks change in its folder, which is imported again."""

    model = Lab
    icon = "code"
    menu_label = gettext_lazy("Labs")
    menu_name = "labs"
    add_to_admin_menu = True
    list_display = ["title_zh", "title_en", "slug", "level", "minutes", "withdrawn_at"]
    list_filter = ["level"]
    search_fields = ["slug", "title_zh", "title_en", "summary_zh", "summary_en"]
    inspect_view_enabled = True
    panels = [
        FieldPanel("slug", read_only=True),
        MultiFieldPanel([FieldPanel("title_zh"), FieldPanel("summary_zh")], heading=gettext_lazy("Chinese")),
        MultiFieldPanel([FieldPanel("title_en"), FieldPanel("summary_en")], heading=gettext_lazy("English")),
        FieldPanel("level"),
        FieldPanel("minutes"),
        FieldPanel("withdrawn_at"),
        FieldPanel("nodes", read_only=True),
        InlinePanel(
            "steps",
            panels=[
                FieldPanel("key"),
                FieldPanel("title_zh"),
                FieldPanel("title_en"),
                FieldPanel("body_zh"),
                FieldPanel("body_en"),
            ],
            heading=gettext_lazy("Steps"),
        ),
    ]


register_snippet(LabViewSet)


class ImageSetViewSet(SnippetViewSet):
    """Operators say how many sandboxes of each set wait in the pool; the sets themselves come from the labs."""

    model = ImageSet
    icon = "bars"
    menu_label = gettext_lazy("Pool")
    menu_name = "pool"
    add_to_admin_menu = True
    add_view_enabled = False
    list_display = [
        "__str__",
        Column("lab_titles", label=gettext_lazy("Labs")),
        Column("waiting", label=gettext_lazy("Waiting in the pool")),
        "minimum",
        "reserve",
        "ceiling",
    ]
    panels = [FieldPanel("minimum"), FieldPanel("reserve"), FieldPanel("ceiling")]


register_snippet(ImageSetViewSet)


class KeptOnRecord(ModelPermissionPolicy):
    """Nothing is deleted: an allowance without figures limits nothing, and the log of acts says who emptied it."""

    def user_has_permission(self, user: User, action: str) -> bool:
        return action != "delete" and bool(super().user_has_permission(user, action))

    def user_has_any_permission(self, user: User, actions: Iterable[str]) -> bool:
        return any(self.user_has_permission(user, action) for action in actions)


class NewAllowance(CreateView):
    """The allowance and its line in the log of acts are one transaction."""

    def save_instance(self) -> Allowance:
        return set_allowance(self.request.user, super().save_instance())


class ChangedAllowance(EditView):
    """The change and its line in the log of acts are one transaction."""

    def save_instance(self) -> Allowance:
        return set_allowance(self.request.user, super().save_instance())


class AllowanceViewSet(SnippetViewSet):
    """Operators say what every learner, a learner, a class and an organisation may have."""

    model = Allowance
    icon = "tasks"
    menu_label = gettext_lazy("Allowances")
    menu_name = "allowances"
    add_to_admin_menu = True
    add_view_class = NewAllowance
    edit_view_class = ChangedAllowance
    list_display = ["__str__", "sandboxes", "cpu_seconds", "mib_seconds", "period", "weight"]
    panels = [
        MultiFieldPanel(
            [FieldPanel("organisation"), FieldPanel("taught_class"), FieldPanel("learner")],
            heading=gettext_lazy("For whom"),
            help_text=gettext_lazy(
                "Choose one. With none it is for every learner who has no figures of their own; "
                "what a class or an organisation has is shared by its people, and the tightest limit holds."
            ),
        ),
        FieldPanel("sandboxes"),
        FieldPanel("cpu_seconds"),
        FieldPanel("mib_seconds"),
        FieldPanel("period"),
        FieldPanel("weight"),
    ]


register_permission_policy(Allowance, KeptOnRecord(Allowance))
register_snippet(AllowanceViewSet)


class WrittenOnce(ModelPermissionPolicy):
    """Rows are added and read; nobody changes or deletes one, administrators included."""

    def user_has_permission(self, user: User, action: str) -> bool:
        return action in {"add", "view"} and bool(super().user_has_permission(user, action))

    def user_has_any_permission(self, user: User, actions: Iterable[str]) -> bool:
        return any(self.user_has_permission(user, action) for action in actions)


class RateCardViewSet(SnippetViewSet):
    """Operators write prices as versions; what is written stays."""

    model = RateCard
    icon = "form"
    menu_label = gettext_lazy("Rate cards")
    menu_name = "rate-cards"
    add_to_admin_menu = True
    list_display = [
        "organisation",
        "version",
        "valid_from",
        "currency",
        "cpu_hour",
        "gib_hour",
        "used_cpu_hour",
    ]
    list_filter = ["organisation", "currency"]
    inspect_view_enabled = True
    copy_view_enabled = True
    panels = [
        FieldPanel("organisation"),
        FieldPanel("valid_from"),
        FieldPanel("currency"),
        FieldPanel("cpu_hour"),
        FieldPanel("gib_hour"),
        FieldPanel("used_cpu_hour"),
        FieldPanel("note"),
    ]


register_permission_policy(RateCard, WrittenOnce(RateCard))
register_snippet(RateCardViewSet)


@hooks.register("role_grants")
def grants() -> list[RoleGrant]:
    return [
        RoleGrant(Role.INSTRUCTOR.value, "labs.change_lab"),
        RoleGrant(Role.INSTRUCTOR.value, "labs.view_lab"),
        RoleGrant(Role.OPERATOR.value, "labs.view_lab"),
        RoleGrant(Role.OPERATOR.value, "labs.change_imageset"),
        RoleGrant(Role.OPERATOR.value, "labs.view_imageset"),
        RoleGrant(Role.OPERATOR.value, "labs.view_allowance"),
        RoleGrant(Role.OPERATOR.value, "labs.add_allowance"),
        RoleGrant(Role.OPERATOR.value, "labs.change_allowance"),
        RoleGrant(Role.OPERATOR.value, "labs.view_ratecard"),
        RoleGrant(Role.OPERATOR.value, "labs.add_ratecard"),
        RoleGrant(Role.OPERATOR.value, "labs.view_statement"),
    ]


@hooks.register("navigation_items")
def navigation(request: HttpRequest) -> NavItem:
    return NavItem(order=30, label=_("Labs"), url_name="labs:catalogue")


@hooks.register("account_items")
def classes_item(request: HttpRequest) -> list[NavItem]:
    if request.user.has_perm("labs.book_seats"):
        return [NavItem(order=45, label=_("Booked classes"), url_name="labs:bookings")]
    return []


@hooks.register("account_items")
def account_items(request: HttpRequest) -> list[NavItem]:
    items = [NavItem(order=40, label=_("Use and cost"), url_name="labs:costs")]
    if request.user.has_perm("labs.operate"):
        items.append(NavItem(order=50, label=_("Operations"), url_name="labs:operations"))
    return items


@hooks.register("dashboard_panels")
def my_labs(request: HttpRequest) -> Panel | None:
    """The running session with the way back into it, and the labs passed last."""
    if not isinstance(request.user, User):
        return None
    mine = LabSession.objects.of(request.user).select_related("lab")
    return Panel(
        order=20,
        title=_("My labs"),
        template="labs/dashboard_panel.html",
        context={
            "running": list(mine.open()),
            "passed": list(mine.passed().order_by("-passed_at")[:RECENT]),
        },
    )


@hooks.register("search_providers")
def search(query: str, language: str) -> list[SearchHit]:
    """Published labs in whose words all of ``query`` occurs."""
    found = Lab.objects.published().matching(query)[:HITS]
    with override(language):
        cards = lab_cards(lab.pk for lab in found)
        return [SearchHit(card.title, card.url, _("Lab"), card.summary) for card in cards.values()]


@hooks.register("clause_threads", order=20)
def labs_on(reference: ClauseReference) -> list[ThreadItem]:
    """The labs with a check that attests a clause."""
    cards = lab_cards(lab.pk for lab in Lab.objects.attesting(str(reference)))
    return [ThreadItem(kind=_("Lab"), title=card.title, url=card.url) for card in cards.values()]


@hooks.register("status_parts")
def status(request: HttpRequest) -> StatusPart:
    problem = sessions.engine_problem()
    return StatusPart(
        order=30,
        name=_("Labs"),
        problem=str(problem) if problem else "",
        remedy=str(problem.remedy) if problem else "",
    )
