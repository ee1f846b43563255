from community.models.people import ApiToken, Role, User

__all__ = ["ApiToken", "Role", "User"]
