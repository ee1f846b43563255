"""People's pages, under a language."""

from django.urls import path

from certification.views import register, verifying, wallet

app_name = "certification"

urlpatterns = [
    path("verify/", verifying.verify, name="verify"),
    path("verify/<str:public_id>/", verifying.verify_id, name="verify_id"),
    path("programmes/", wallet.programmes, name="programmes"),
    path("programmes/<slug:slug>/", wallet.programme, name="programme"),
    path("certificates/", wallet.wallet, name="wallet"),
    path("certificates/register/", register.register, name="register"),
    path("certificates/register/<slug:public_id>/", register.entry, name="entry"),
    path("certificates/register/<slug:public_id>/<slug:verb>/", register.change, name="change"),
    path("certificates/<slug:public_id>/", wallet.certificate, name="certificate"),
    path("certificates/<slug:public_id>.json", wallet.certificate_json, name="certificate_json"),
    path("certificates/<slug:public_id>.pdf", wallet.certificate_pdf, name="certificate_pdf"),
]
