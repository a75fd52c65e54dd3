import pytest

pytest_plugins = ["pytester"]

NEEDY = """
import pytest

@pytest.mark.needs("curl", "php-soap")
def test_it():
    pass
"""


@pytest.fixture
def lacking(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A run of one test that needs what a machine with an empty PATH has not got."""
    monkeypatch.setenv("PATH", str(pytester.path))
    pytester.makepyfile(NEEDY)
    return pytester


def run(pytester: pytest.Pytester) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-rs", "-p", "tests.strangers.needed", "-p", "no:cacheprovider")


def test_a_test_is_skipped_where_its_program_is_missing_and_says_how_to_install_it(
    lacking: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_ALL", raising=False)
    result = run(lacking)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*curl, php-soap not installed: apt-get install curl php-cli php-soap*"])


def test_it_fails_instead_where_everything_is_to_be_proven(
    lacking: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_ALL", "1")
    run(lacking).assert_outcomes(errors=1)
