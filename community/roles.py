"""The roles as Wagtail groups, and what each group may do where."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from wagtail.models import Collection, GroupCollectionPermission, GroupPagePermission, Page

from community import registry
from community.models import Role, StandardsIndexPage, User

GROUPS = (Role.INSTRUCTOR, Role.EDITOR, Role.EMPLOYER, Role.OPERATOR)
PAGE_VERBS = ("add", "change", "publish")
# Anything that a role may do outside the page tree; apps above add theirs with the hook ``role_grants``.
OWN_GRANTS: dict[Role, tuple[str, ...]] = {
    Role.INSTRUCTOR: ("wagtailadmin.access_admin", "wagtail_localize.submit_translation"),
    Role.EDITOR: ("wagtailadmin.access_admin", "wagtail_localize.submit_translation"),
    Role.EMPLOYER: (),
    Role.OPERATOR: (
        "wagtailadmin.access_admin",
        "community.view_user",
        "community.change_user",
        "community.view_organisation",
        "community.add_organisation",
        "community.change_organisation",
    ),
}
# What an author needs to put pictures and files into pages: to upload their own and to choose among all.
UPLOADS = (
    "wagtailimages.add_image",
    "wagtailimages.choose_image",
    "wagtaildocs.add_document",
    "wagtaildocs.choose_document",
)


class UnknownPermission(LookupError):
    """A grant names a permission that no installed app has."""


@transaction.atomic
def ensure_roles() -> None:
    """Every role's group stands with its grants, editors on every standards index; repeating changes nothing."""
    grants = [registry.RoleGrant(role.value, name) for role, names in OWN_GRANTS.items() for name in names]
    for role in GROUPS:
        Group.objects.get_or_create(name=role.value)
    for item in [*grants, *registry.role_grants()]:
        _allow(item.role, item.permission)
    _let_upload(Role.INSTRUCTOR)
    for index in StandardsIndexPage.objects.all():
        grant(Role.EDITOR, index)


def grant(role: Role, page: Page) -> None:
    """The role's group may add, change and publish ``page`` and everything below it; repeating changes nothing."""
    group, _ = Group.objects.get_or_create(name=role.value)
    for verb in PAGE_VERBS:
        permission = Permission.objects.get(
            content_type__app_label="wagtailcore", content_type__model="page", codename=f"{verb}_page"
        )
        GroupPagePermission.objects.get_or_create(group=group, page_id=page.pk, permission=permission)


def assign(person: User, role: Role) -> None:
    """``person`` has ``role``; a trainee is anyone with an account, so that one needs no group."""
    if role in GROUPS:
        group, _ = Group.objects.get_or_create(name=role.value)
        person.groups.add(group)
        person.__dict__.pop("role_names", None)


def _allow(role: str, name: str) -> None:
    Group.objects.get(name=str(role)).permissions.add(_permission(role, name))


def _let_upload(role: Role) -> None:
    for name in UPLOADS:
        GroupCollectionPermission.objects.get_or_create(
            group=Group.objects.get(name=role.value),
            collection=Collection.get_first_root_node(),
            permission=_permission(role.value, name),
        )


def _permission(role: str, name: str) -> Permission:
    app, _, codename = name.partition(".")
    permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    if permission is None:
        raise UnknownPermission(f"{role} is granted {name}, which no installed app has")
    return permission
