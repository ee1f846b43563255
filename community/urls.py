"""Community's pages for people, under a language prefix."""

from django.urls import path

from community.views import account, dashboard, searching, shell

urlpatterns = [
    path("dashboard/", dashboard.show, name="dashboard"),
    path("account/", account.show, name="account"),
    path("account/tokens/", account.make_token, name="account_make_token"),
    path("account/tokens/<int:token_id>/revoke/", account.revoke_token, name="account_revoke_token"),
    path("search/", searching.show, name="search"),
    path("theme/", shell.choose_theme, name="theme"),
    path("status/", shell.status, name="status"),
]
