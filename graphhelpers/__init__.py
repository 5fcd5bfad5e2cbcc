"""Sign in with OAuth 2.0 and send mail through Microsoft Graph, step by step.

The modules follow the data: registration, signin, callback, tokens, mail; `flow` is the
three in the middle as one call. The forms live apart in `graphhelpers.forms`, so that
this import needs no widgets.
"""

from . import checks as _checks  # noqa: F401  (first: the other imports could go astray)
from .callback import CallbackServer
from .clouds import CHINA, MICROSOFT, US_GOV_L4, US_GOV_L5, Cloud, sandbox_cloud
from .device import DeviceSignIn, start_device_sign_in
from .display import Secret
from .errors import (
    CallbackError, GraphError, GraphHelpersError, MessageError, NoAnswer, OAuthError,
    RegistrationError, SignInRefused, SignInTimeout, TokenInvalid, TokenRefused,
)  # fmt: skip
from .exchanges import wire_log
from .flow import sign_in
from .mail import (
    Attachment, Draft, Message, Outcome, Outcomes, Receipt, find_sent, last_sent, save_draft,
    send_draft, send_mail, send_many, whoami,
)  # fmt: skip
from .places import suggest_redirect_uri
from .registration import DEFAULT_REDIRECT_URI, Registration
from .signin import SignIn, start_sign_in
from .tokens import Token, exchange_code, read_jwt, refresh, verify_id_token
from .wire import record

__all__ = [  # in the order the notebooks meet them
    "Cloud", "MICROSOFT", "US_GOV_L4", "US_GOV_L5", "CHINA", "sandbox_cloud",
    "Registration", "DEFAULT_REDIRECT_URI", "suggest_redirect_uri", "SignIn", "start_sign_in",
    "CallbackServer", "Token", "exchange_code", "refresh", "read_jwt", "verify_id_token", "sign_in",
    "DeviceSignIn", "start_device_sign_in", "whoami", "Message", "Attachment", "Receipt",
    "send_mail", "send_many", "Outcome", "Outcomes", "Draft", "save_draft", "send_draft",
    "last_sent", "find_sent", "wire_log", "record", "Secret",
    "GraphHelpersError", "RegistrationError", "CallbackError", "SignInTimeout", "OAuthError",
    "SignInRefused", "TokenRefused", "TokenInvalid", "MessageError", "GraphError", "NoAnswer",
]  # fmt: skip
