"""Community's addresses for programs; they carry no language."""

from django.urls import path

from community.views import account, machine

urlpatterns = [
    path("healthz/", machine.health, name="healthz"),
    path("robots.txt", machine.robots, name="robots"),
    path("favicon.ico", machine.favicon, name="favicon"),
    path("media/<path:path>", machine.media, name="media"),
    path("admin/login/", account.enter_administration, name="enter_administration"),
]
