"""Addresses that credentials carry: without a language, and never to change."""

from django.urls import path

from certification.views import machine

urlpatterns = [
    path(".well-known/did.json", machine.did, name="did"),
    path("credentials/issuer", machine.issuer, name="issuer"),
    path("credentials/status/<int:list_id>", machine.revocation, name="revocation_list"),
    path("credentials/status/<int:list_id>/suspension", machine.suspension, name="suspension_list"),
    path("credentials/achievements/<slug:slug>/<str:language>", machine.achievement, name="achievement"),
    path("credentials/programmes/<slug:slug>", machine.programme, name="programme_link"),
    path("credentials/<slug:public_id>", machine.credential, name="credential"),
    path("v/<str:public_id>", machine.short, name="short_link"),
]
