"""The form, and the page of one reminder."""

from django.urls import path
from reminders import views

urlpatterns = [
    path("", views.new, name="new"),
    path("reminders/<int:pk>/", views.show, name="show"),
]
