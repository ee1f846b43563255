"""Every address of the site: machine doors without a language, people's pages under /zh-hans/ and /en/."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

from config.rest import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("", include("certification.machine_urls")),
    path("", include("labs.machine_urls")),
    path("", include("community.machine_urls")),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("i18n/", include("django.conf.urls.i18n")),
    *i18n_patterns(
        path("accounts/", include("allauth.urls")),
        path("", include("labs.urls")),
        path("", include("courses.urls")),
        path("", include("certification.urls")),
        path("", include("community.urls")),
        path("", include(wagtail_urls)),
    ),
]
