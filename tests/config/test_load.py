"""From file, environment and flags to a Config, and how mistakes are told."""

from __future__ import annotations

import errno
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.check import fault_of, faults
from config.description import from_document, settings
from config.load import load
from config.paths import data_paths
from config.problems import ConfigError, reason_of
from config.schema import Config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def problems(file: Path, text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    """What is told about a file, without its folder."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem).replace(str(file), file.name) for problem in caught.value.problems]


UPSTREAM = {
    "limits": {"post_content": 2000, "search_results": 30},
    "uploads": {"emoji_allowed_file_types": ["gif", "jpg", "jpeg", "png"]},
    "attachments": {
        "enabled": True,
        "max_size": 104857600,
        "permanent_expiration_days": 365,
        "permanent_tiers": ["pro", "max"],
        "allowed_types": ["image/*", "video/*", "audio/*", "application/pdf"],
        "uploads_per_minute": 10,
        "subscription_cache_ttl": 300,
        "max_attachments_per_user": -1,
        "free_tier_max_expiration_days": 7,
        "compression": {
            "enabled": True,
            "max_width": 1920,
            "max_height": 1920,
            "jpeg_quality": 85,
            "webp_quality": 85,
            "png_compression": 6,
        },
    },
    "rate_limiting": {"enabled": False, "messages_per_minute": 60, "burst_limit": 10, "cooldown_seconds": 30},
    "modlog": {"enabled": True, "retention": {"default": 90, "user_moderation": 365, "role_management": 365}},
    "DB": {"channels": "db/channels.json", "users": {"file": "db/users.json", "default": {"roles": ["user"]}}},
    "websocket": {"host": "127.0.0.1", "port": 18613},
    "service": {"name": "OriginChats", "version": "1.0.0"},
    "server": {"name": "Upstream", "owner": {"name": "Admin"}, "url": "http://127.0.0.1:18613"},
    "auth_mode": "cracked-only",
    "cracked": {"allow_registration": True},
}
"""As the upstream setup writes it."""


def test_no_file_means_the_defaults(file: Path) -> None:
    assert load(file, {}) == Config()


def test_an_empty_object_means_the_defaults(file: Path) -> None:
    file.write_text("{}")
    assert load(file, {"HOME": "/", "ORIGIN": "x"}) == Config()


def test_missing_keys_get_their_defaults(file: Path) -> None:
    file.write_text('{"websocket": {"port": 1}}')
    config = load(file, {})
    assert config.websocket.port == 1
    assert config.websocket.host == "127.0.0.1"


def test_a_file_of_the_upstream_server_loads(file: Path) -> None:
    file.write_text(json.dumps(UPSTREAM, indent=4))
    config = load(file, {})
    assert config.websocket.port == 18613
    assert config.auth_mode == "cracked-only"
    assert config.rate_limiting.enabled is False
    assert config.modlog.retention.channel_management == 180


def test_keys_of_the_first_servers_are_moved_or_dropped(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = {
        "max_lengths": {"post_content": 500},
        "DB": {"users": "db/users.json", "channels": "db/channels"},
        "rotur": {"validate_url": "secret", "validate_key": "key"},
    }
    file.write_text(json.dumps(old))
    with caplog.at_level(logging.WARNING):
        config = load(file, {})
    assert config.limits.post_content == 500
    assert config.rotur == Config().rotur
    assert config.DB == Config().DB
    assert len(caplog.records) == 3


def test_a_byte_order_mark_and_tabs_are_no_mistake(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf{\n\t"server":\t{"name": "a"}\r\n}')
    assert load(file, {}).server.name == "a"


def test_further_keys_of_a_new_member_are_kept(file: Path) -> None:
    file.write_text('{"DB": {"users": {"default": {"nickname": "new"}}}}')
    default = load(file, {}).DB.users.default
    assert default.roles == ("user",)
    assert default.extra == {"nickname": "new"}


def test_every_mistake_is_told_with_key_line_found_and_expected(file: Path) -> None:
    text = """{
    "websocket": {
        "prot": 5,
        "port": 99999,
        "host": 3
    },
    "auth_mode": "open",
    "limits": {"post_content": 2.0, "search_results": true}
}"""
    assert problems(file, text) == [
        'config.json:3: websocket.prot: unknown key; did you mean "websocket.port"?',
        "config.json:4: websocket.port: found 99999, expected a whole number from 0 to 65535",
        "config.json:5: websocket.host: found 3, expected text of 1 to 253 characters",
        'config.json:7: auth_mode: found "open", expected one of "cracked", "cracked-only", "rotur"',
        "config.json:8: limits.post_content: found 2.0, expected a whole number from 1 to 100000 (characters)",
        "config.json:8: limits.search_results: found true, expected a whole number from 1 to 50 (messages)",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "config.json:1:1: is not JSON: it is empty; {} holds nothing"),
        ('{"a": 1,\n}', "config.json:2:1: is not JSON: there is a comma before }, where nothing follows"),
        ('{"a": [1, ]}', "config.json:1:11: is not JSON: there is a comma before ], where nothing follows"),
        ('{\n  // port\n  "a": 1}', "config.json:2:3: is not JSON: there is a comment, and JSON knows none"),
        ('{"a": 1 # one\n}', "config.json:1:9: is not JSON: there is a comment, and JSON knows none"),
        ("{'a': 1}", "config.json:1:2: is not JSON: keys and texts stand in double quotes"),
        ('{\n  "a" 1}', "config.json:2:7: is not JSON: Expecting ':' delimiter"),
        ("[]", "config.json:1: expected an object, the settings in braces"),
        ('{"server":\n{"name": NaN}}', "config.json:2: is not JSON: NaN is not a number"),
        (
            '{"server": {"name": "NaN"},\n"limits": {"post_content": -Infinity}}',
            "config.json:2: is not JSON: -Infinity is not a number",
        ),
        ('{"limits": {\n\n"post_content": 1e999}}', "config.json:3: is not JSON: 1e999 is not a number"),
        ('{"server": {"name": "a",\n"name": "b"}}', "config.json:2: server.name: stands here a second time"),
        ('{"server": {"name": "\\ud800"}}', "config.json: holds half of a surrogate pair (\\ud800 to \\udfff)"),
        (b'{\n"server": {"name": "\xff"}}', "config.json:2: is not UTF-8 text"),
        ("[" * 100_000, "config.json: is nested too deeply"),
        ('{\n\t"websocket":\n\t\t5}', "config.json:3: websocket: found 5, expected an object"),
        ('{"port": 1}', 'config.json:1: port: unknown key; did you mean "websocket.port"?'),
        ('{"Server": {}}', 'config.json:1: Server: unknown key; did you mean "server"?'),
        ('{"qqqqqqqq": 1}', "config.json:1: qqqqqqqq: unknown key"),
        (
            '{"server": {"icon": 5}}',
            "config.json:1: server.icon: found 5, expected text of at most 500 characters or null",
        ),
        (
            '{"websocket": {"trusted_proxies": [\n"::1",\n"foo"]}}',
            'config.json:3: websocket.trusted_proxies[1]: found "foo", expected an address or a network such as '
            "192.0.2.0/24",
        ),
        (
            '{"sessions": {"timeout_s": 172800, "event_log_days": 1}}',
            "config.json:1: sessions.event_log_days: is shorter than sessions.timeout_s (172800 seconds)",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(file: Path, text: str | bytes, told: str) -> None:
    assert problems(file, text) == [told]


def test_a_key_that_stands_twice_is_told_even_where_no_line_can_be(file: Path) -> None:
    told = problems(file, '{"a": "\x80", "b": 1, "b": 2}')
    assert told == ["config.json: the key 'b' stands twice in one object"]


def test_a_folder_in_place_of_the_file_is_told(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(file, {})


def test_environment_variables_override_the_file(file: Path) -> None:
    file.write_text('{"websocket": {"port": 1, "host": "::1"}}')
    config = load(
        file,
        {
            "ORIGINCHATS_WEBSOCKET_PORT": "2",
            "ORIGINCHATS_AUTH_MODE": "rotur",
            "ORIGINCHATS_CRACKED_ALLOW_REGISTRATION": "false",
            "ORIGINCHATS_SERVER_NAME": "123",
            "ORIGINCHATS_SERVER_OWNER_NAME": '"quoted"',
            "ORIGINCHATS_SERVER_ICON": "null",
            "ORIGINCHATS_DB_USERS_DEFAULT_ROLES": '["a", "b"]',
        },
    )
    assert config.websocket.port == 2
    assert config.websocket.host == "::1"
    assert config.auth_mode == "rotur"
    assert config.cracked.allow_registration is False
    assert config.server.name == "123"
    assert config.server.owner.name == "quoted"
    assert config.server.icon is None
    assert config.DB.users.default.roles == ("a", "b")


def test_mistakes_in_the_environment_are_told(file: Path) -> None:
    environ = {"ORIGINCHATS_WEBSOCKET_PROT": "1", "ORIGINCHATS_LIMITS_POST_CONTENT": "NaN", "ORIGINCHATS_QQQ": ""}
    assert problems(file, "{}", environ) == [
        "environment ORIGINCHATS_QQQ: no such setting",
        "environment ORIGINCHATS_WEBSOCKET_PROT: no such setting; did you mean ORIGINCHATS_WEBSOCKET_PORT?",
        'environment ORIGINCHATS_LIMITS_POST_CONTENT: limits.post_content: found "NaN", expected a whole number from '
        "1 to 100000 (characters)",
    ]


SHORT_NAMES = {
    "PORT": "81",
    "DBURL": "sqlite:////srv/x.sqlite3",
    "DEBUG": "true",
    "MAX_HISTORY": "null",
    "SESSION_TIMEOUT": "60",
    "MAX_MESSAGE_SIZE": "100",
    "MOTD": "Hello",
    "SERVER_NAME": "A place",
}


def values(config: Config) -> list[Any]:
    api = config.chat_api
    return [config.websocket.port, config.DB.url, config.log.level, api.max_history, api.session_timeout_s,
            api.max_message_bytes, api.motd, config.server.name]  # fmt: skip


def test_short_names_of_variables_override_the_file(file: Path) -> None:
    file.write_text('{"websocket": {"port": 1}}')
    wanted = [81, "sqlite:////srv/x.sqlite3", "debug", None, 60, 100, "Hello", "A place"]
    assert values(load(file, SHORT_NAMES)) == wanted


@pytest.mark.parametrize(("text", "level"), [("0", "warning"), ("FALSE", "warning"), ("", "warning"), ("Yes", "debug")])
def test_debug_is_a_switch(file: Path, text: str, level: str) -> None:
    file.write_text('{"log": {"level": "warning"}}')
    assert load(file, {"DEBUG": text}).log.level == level


def test_an_empty_short_variable_is_not_set(file: Path) -> None:
    assert load(file, dict.fromkeys(SHORT_NAMES, "")) == Config()


def test_of_two_names_the_long_one_wins(file: Path) -> None:
    environ = {"ORIGINCHATS_WEBSOCKET_PORT": "2", "ORIGINCHATS_LOG_LEVEL": "error", "PORT": "3", "DEBUG": "1"}
    config = load(file, environ)
    assert (config.websocket.port, config.log.level) == (2, "error")


@pytest.mark.parametrize("name", sorted(set(SHORT_NAMES) - {"MOTD", "SERVER_NAME"}))
def test_a_bad_value_names_its_variable(file: Path, name: str) -> None:
    (told,) = problems(file, "{}", {name: "perhaps"})
    assert told.startswith(f"environment {name}: ")
    assert 'found "perhaps", expected' in told


def test_the_password_of_a_database_is_not_told(file: Path) -> None:
    (told,) = problems(file, "{}", {"DBURL": "oracle://me:pa55word@host/x"})
    assert "oracle://me:***@host/x" in told


def test_what_is_wrong_with_a_server_for_voice_is_told_without_its_password(file: Path) -> None:
    server = {"urls": ["http://x"], "credential": ["pa55word"]}
    told = problems(file, json.dumps({"voice": {"ice_servers": [server, "pa55word"]}}))
    assert [line.partition(": ")[2].partition(": ")[0] for line in told] == [
        "voice.ice_servers[0].urls[0]", "voice.ice_servers[0].credential", "voice.ice_servers[1]",
    ]  # fmt: skip
    assert "pa55word" not in "".join(told)


def test_a_dot_env_file_gives_variables(file: Path) -> None:
    file.with_name(".env").write_text(
        "# for this machine\n\nexport PORT=7\nMOTD='Two # words $HOME'\nORIGINCHATS_LOG_LEVEL=error\nOTHER=x\n"
    )
    config = load(file, {})
    assert (config.websocket.port, config.log.level, config.chat_api.motd) == (7, "error", "Two # words $HOME")


def test_the_real_environment_wins_over_a_dot_env_file(file: Path) -> None:
    file.with_name(".env").write_text("ORIGINCHATS_WEBSOCKET_PORT=7\nMOTD=file\n")
    config = load(file, {"PORT": "8", "MOTD": "real"})
    assert (config.websocket.port, config.chat_api.motd) == (8, "real")


def test_mistakes_in_a_dot_env_file_are_told_with_their_lines(file: Path) -> None:
    env = file.with_name(".env")
    env.write_text("\nMOTD='open\n# comment\n\nPORT=high\nORIGINCHATS_QQQ=1\n")
    assert [told.replace(str(env), ".env") for told in problems(file, "{}")] == [
        ".env:6: ORIGINCHATS_QQQ: no such setting",
        '.env:5: PORT: websocket.port: found "high", expected a whole number from 0 to 65535',
        ".env:2: expected NAME=value",
    ]
    env.write_bytes(b"PORT=\xff")
    assert problems(file, "{}") == [f"{env}: is not UTF-8 text"]
    env.unlink()
    env.mkdir()
    assert problems(file, "{}") == [f"{env}: cannot be read: Is a directory"]


def test_the_environment_does_not_hide_a_broken_section(file: Path) -> None:
    told = problems(file, '{"websocket": 5}', {"ORIGINCHATS_WEBSOCKET_PORT": "1"})
    assert told == ["config.json:1: websocket: found 5, expected an object"]


def test_the_command_line_overrides_the_environment(file: Path) -> None:
    config = load(file, {"ORIGINCHATS_WEBSOCKET_PORT": "2"}, {"websocket.port": 3})
    assert config.websocket.port == 3
    with pytest.raises(ConfigError, match=r"command line: websocket\.port: found 70000"):
        load(file, {}, {"websocket.port": 70000})


def test_paths_lie_beside_the_file_or_in_the_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    paths = data_paths(Config(), file)
    assert paths.folder == tmp_path / "db"
    assert paths.users == tmp_path / "db" / "users.json"
    assert paths.database_url == f"sqlite:///{tmp_path / 'db' / 'messages.sqlite3'}"
    file.write_text('{"DB": {"roles": "elsewhere/roles.json", "channels": "/abs/channels.json", "url": "sqlite:///x"}}')
    paths = data_paths(load(file, {}), file, tmp_path / "data")
    assert paths.users == tmp_path / "data" / "users.json"
    assert paths.roles == tmp_path / "elsewhere" / "roles.json"
    assert paths.channels == Path("/abs/channels.json")
    assert paths.database_url == "sqlite:///x"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)


@given(row=st.sampled_from(settings()), value=json_values)
def test_whatever_the_schema_lets_through_fits_the_types(row: Any, value: Any) -> None:
    """The two are made from one table; a value that passes the first must not fail in the second."""
    document = value
    for key in reversed(row.path):
        document = {key: document}
    try:
        from_document(document)
    except msgspec.ValidationError:
        assert faults(document), "the types refuse what the schema accepts"
    else:
        assert not faults(document) or fault_of(row.name, value)


@given(value=json_values)
def test_no_document_makes_the_check_fail(value: Any) -> None:
    assert isinstance(faults(value), list)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/srv/chat"), "/srv/chat: No space left on device"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
    ],
    ids=["of a file", "of no file", "without a number"],
)
def test_what_the_system_refuses_is_told_in_words(error: OSError, text: str) -> None:
    assert reason_of(error) == text
