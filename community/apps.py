from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from wagtail.users.apps import WagtailUsersAppConfig


class CommunityConfig(AppConfig):
    name = "community"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Community")


class PeopleAdminConfig(WagtailUsersAppConfig):
    """Wagtail's administration of people, with our particulars and without a way up for operators."""

    user_viewset = "community.people_admin.PersonViewSet"
