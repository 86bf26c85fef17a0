"""The Debian package of the hub: the same bytes twice, and its life on a clean Debian, from installation to purge.

Debian's part (a minimal system, made by mmdebstrap from this machine's own apt sources) is kept in
``$DESAHUB_TEST_CACHE``, by default ``/var/cache/desahub-test``; delete the file there to have it made anew.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.core import config
from appliance.core.config.accounts import Accounts
from appliance.core.config.filter import Filter, FilterList
from appliance.core.config.letters import Letters
from appliance.core.config.networks import Network, Radio
from appliance.core.config.portal import Kiosk, Portal
from appliance.core.config.printer import Printer
from appliance.core.config.records import Records
from appliance.core.config.reporting import Agent, Noc
from appliance.core.config.signature import Signature
from appliance.core.config.uplink import Speed, Uplink
from appliance.core.config.village import Hub, Village

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("DESAHUB_TEST_CACHE", "/var/cache/desahub-test"))
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
EXAMPLE = "/usr/share/doc/desahub/examples/hub.toml"
SECTIONS: dict[str, type] = {
    "village": Village, "hub": Hub, "uplink": Uplink, "networks": Network,
    "speeds": Speed, "radio": Radio, "portal": Portal, "filter": Filter,
    "records": Records, "agent": Agent, "kiosk": Kiosk, "noc": Noc,
    "letters": Letters, "printer": Printer, "signature": Signature, "accounts": Accounts,
}  # fmt: skip
AARCH64 = 183  # e_machine, elf(5)

pytestmark = pytest.mark.timeout(600)


def run(*argv: str, environment: dict[str, str] | None = None, umask: int = -1, text: str | None = None) -> str:
    """Run a program to its end; its output, or a failure that shows it."""
    done = subprocess.run(
        argv, input=text, capture_output=True, text=True, timeout=500, check=False, umask=umask,
        env=os.environ | (environment or {}),
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def build(sources: Path, out: Path, *arguments: str, umask: int = 0o022, **environment: str) -> Path:
    """Run ``sources``' image-build/build-deb; the package it made."""
    said = run(
        str(sources / "image-build" / "build-deb"), "--quick", "--out", str(out), *arguments,
        umask=umask, environment=environment,
    )  # fmt: skip
    found = list(out.glob("*.deb"))
    assert len(found) == 1, said
    return found[0]


def copy_sources(source: Path, to: Path) -> Path:
    """Copy what the package is made from, without the history; the libraries' environment is lent."""
    for name in ("appliance", "captive_portal", "agent", "systemd", "image-build", "requirements", "script"):
        shutil.copytree(source / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "CHANGELOG.md"):
        shutil.copy2(source / name, to / name)
    (to / ".venv").symlink_to(REPOSITORY / ".venv")
    return to


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as they are now: nobody edits these while the tests run."""
    return copy_sources(REPOSITORY, tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def package(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(sources, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked") / "tree"
    run("dpkg-deb", "--raw-extract", str(package), str(folder))
    return folder


def test_the_same_sources_give_the_same_bytes(package: Path, sources: Path, tmp_path: Path) -> None:
    elsewhere = copy_sources(sources, tmp_path / "another folder")
    again = build(elsewhere, tmp_path / "out", umask=0o077, TZ="Asia/Jayapura", LC_ALL="C", HOME=str(tmp_path))

    assert again.name == package.name
    assert again.read_bytes() == package.read_bytes()


MINIMAL_PYTHON = """#!/bin/sh
case $2 in -c) exit 0 ;; esac
echo "ModuleNotFoundError: No module named 'tomllib'" >&2
exit 1
"""


@pytest.mark.parametrize(
    ("action", "python", "change", "status"),
    [
        ("upgrade", "", "", 0),
        ("upgrade", "", "download_kbit = 1", 1),
        ("install", "", "download_kbit = 1", 0),  # nothing of ours runs; postinst looks
        # python3-minimal is unpacked and the rest of Python's library not yet: that says nothing of hub.toml.
        ("upgrade", MINIMAL_PYTHON, "download_kbit = 1", 0),
        ("upgrade", "#!/bin/sh\nexit 127\n", "download_kbit = 1", 0),
    ],
)
def test_an_upgrade_is_refused_for_what_is_wrong_in_hub_toml_and_for_nothing_else(
    unpacked: Path, tmp_path: Path, action: str, python: str, change: str, status: int
) -> None:
    hub_toml = tmp_path / "hub.toml"
    text = (unpacked / EXAMPLE.lstrip("/")).read_text("utf-8")
    hub_toml.write_text(re.sub(r"(?m)^download_kbit = .*$", change, text) if change else text, "utf-8")
    script = (unpacked / "DEBIAN/preinst").read_text("utf-8").replace("/etc/desahub/hub.toml", str(hub_toml))
    (tmp_path / "preinst").write_text(script, "utf-8")
    shutil.copy(unpacked / "DEBIAN/check-config", tmp_path)
    if python:
        (tmp_path / "python3").write_text(python, "utf-8")
        (tmp_path / "python3").chmod(0o755)
    done = subprocess.run(
        ["sh", str(tmp_path / "preinst"), action, "0.1.0"],
        env=os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert ("uplink.download_kbit: is 1" in done.stderr) is (status == 1)


def test_a_wrong_argument_is_explained_and_makes_nothing(tmp_path: Path) -> None:
    for arguments, allowed in ((["--arch", "riscv64"], "arm64"), (["--python", "3.12"], "3.13"), (["--ou"], "--help")):
        done = subprocess.run(
            [str(REPOSITORY / "image-build" / "build-deb"), "--out", str(tmp_path / "out"), *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert allowed in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_example_names_every_option_and_what_is_commented_out_is_right_too() -> None:
    text = (REPOSITORY / "image-build/debian/hub.toml").read_text("utf-8")
    config.parse(text)
    # "dhcp" and a fixed address exclude each other; nobody has a certificate for a name of the village's own.
    whole = re.sub(r"^# (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE).replace('"dhcp"', '"static"')
    whole = whole.replace("masuk.desa.internal", "hub-7k2m9q.hub.example.go.id")
    config.parse(whole)

    given = tomllib.loads(whole)
    for section in dataclasses.fields(config.Config):
        parts = given[section.name] if isinstance(given[section.name], list) else [given[section.name]]
        wanted = {field.name for field in dataclasses.fields(SECTIONS[section.name])}
        assert set().union(*parts) == wanted, section.name
    wanted = {field.name for field in dataclasses.fields(FilterList)}
    assert set().union(*given["filter"]["lists"]) == wanted


def test_it_holds_the_hubs_programs_and_not_the_nocs(unpacked: Path, sources: Path) -> None:
    (site,) = unpacked.glob("opt/desahub/lib/python3.*/site-packages")

    for room in ("appliance", "captive_portal", "agent"):
        # Translators' files stay behind: programs read what is compiled of them.
        own = {
            str(path.relative_to(sources))
            for path in (sources / room).rglob("*")
            if path.is_file() and path.suffix != ".po"
        }
        assert own == {str(path.relative_to(site)) for path in (site / room).rglob("*") if path.is_file()}
    languages = {path.parts[-3] for path in (site / "captive_portal/translations").rglob("*.mo")}
    assert languages >= {"en", "jv", "ban", "su"}
    assert not (site / "noc").exists()
    assert {unit.name for unit in (sources / "systemd" / "hub").iterdir()} == {
        unit.name for unit in (unpacked / "usr/lib/systemd/system").iterdir()
    }


def test_it_ships_the_limits_of_the_kernel(unpacked: Path, sources: Path) -> None:
    for kind in ("sysctl.d", "modules-load.d"):
        shipped = (unpacked / "usr/lib" / kind / "desahub.conf").read_text()
        assert shipped == (sources / "systemd" / kind / "desahub.conf").read_text()
        assert "nf_conntrack" in shipped


def test_it_tells_nothing_about_where_it_was_made(unpacked: Path, sources: Path) -> None:
    settings = run(str(REPOSITORY / ".venv/bin/python"), "-m", "pip", "config", "list")
    places = {place.encode() for place in re.findall(r"(?:https?|file)://[^\s']+", settings)}
    places |= {str(sources).encode(), str(REPOSITORY).encode()}
    for path in unpacked.rglob("*"):
        assert path.name not in {"direct_url.json", "RECORD", "pip", "__pycache__"}, path
        assert not path.is_symlink() or path.readlink().parts[1] in {"usr", "opt"}, path
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not [place for place in places if place in content], path


@pytest.mark.parametrize(("python", "release"), [("3.11", "12"), ("3.13", "13")])
def test_the_list_installs_on_arm64_without_a_compiler(python: str, release: str, tmp_path: Path) -> None:
    made = build(REPOSITORY, tmp_path, "--arch", "arm64", "--python", python)
    run("dpkg-deb", "--raw-extract", str(made), str(tmp_path / "tree"))

    control = (tmp_path / "tree/DEBIAN/control").read_text("utf-8")
    assert "Architecture: arm64\n" in control
    assert re.search(rf"^Version: \S+\+deb{release}$", control, re.MULTILINE)
    assert f"python{python}," in control
    libraries = list((tmp_path / "tree").rglob("*.so"))
    assert {"_cffi_backend", "_psutil_linux"} <= {path.name.partition(".")[0] for path in libraries}
    for path in libraries:
        assert int.from_bytes(path.read_bytes()[18:20], "little") == AARCH64, path


def debian_sources() -> str:
    """This machine's apt sources that are its own Debian release's, as they stand (sources.list(5), both forms)."""
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    etc = Path("/etc/apt")
    lists = [path for path in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))) if path.exists()]
    lines = [
        line
        for path in lists
        for line in path.read_text("utf-8").splitlines()
        if re.match(rf"deb\s+(\[[^]]*\]\s+)?\S+\s+{codename}", line)
    ]
    stanzas = [
        stanza
        for path in sorted((etc / "sources.list.d").glob("*.sources"))
        for stanza in re.split(r"\n\s*\n", path.read_text("utf-8"))
        if re.search(rf"^Suites:\s*{codename}", stanza, re.MULTILINE | re.IGNORECASE)
    ]
    assert lines or stanzas, f"this machine's apt knows no source of {codename}"
    # mmdebstrap tells the two forms apart by what it reads; never both in one.
    return "\n\n".join(stanzas) + "\n" if stanzas else "\n".join(lines) + "\n"


def minimal_debian() -> Path:
    """The archive of a minimal Debian of this machine's release; made when it is missing."""
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    archive = CACHE / f"{codename}-minimal.tar"
    if archive.exists():
        return archive
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = re.compile(r"Acquire::(https?::|Check-|Retries)")
    settings = [line for line in run("apt-config", "dump").splitlines() if wanted.match(line)]
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        made = Path(folder) / archive.name
        run(
            "mmdebstrap", "--variant=minbase", "--include=ca-certificates", f"--keyring={KEYRING}",
            *(f"--aptopt={line}" for line in settings), codename, str(made), "-", text=debian_sources(),
        )  # fmt: skip
        made.rename(archive)
    return archive


@dataclass(frozen=True)
class Debian:
    """A Debian in a folder. Nothing of it is started: there is no systemd, and policy-rc.d forbids it."""

    root: Path

    def run(self, *argv: str, network: bool = False) -> str:
        """Run a command inside, with namespaces of its own that go with it; without a network unless asked for."""
        return run(
            "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--ipc",
            *([] if network else ["--net"]), "sh", "-euc", 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"',
            str(self.root), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
            "DEBIAN_FRONTEND=noninteractive", *argv,
        )  # fmt: skip

    def state(self) -> str:
        """dpkg's word for the package: installed, config-files, not-installed."""
        return self.run(
            "sh", "-c", "dpkg-query -W -f='${db:Status-Status}' desahub 2>/dev/null || echo unknown"
        ).strip()


@pytest.fixture(scope="module")
def debian() -> Iterator[Debian]:
    archive = minimal_debian()
    root = Path(tempfile.mkdtemp(prefix="desahub-debian-"))
    try:
        root.chmod(0o755)
        run("tar", "-C", str(root), "-xpf", str(archive))
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n", "ascii")
        policy.chmod(0o755)
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        yield Debian(root)
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def installed(debian: Debian, package: Path) -> Debian:
    shutil.copy(package, debian.root / "desahub.deb")
    debian.run("apt-get", "update", "-q", network=True)
    said = debian.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "./desahub.deb", network=True)
    (debian.root / "desahub.deb").unlink()
    assert "desahub: nothing runs yet." in said
    assert "Debian's own nginx.service" in said
    return debian


def enabled(debian: Debian) -> set[str]:
    folder = debian.root / "etc/systemd/system"
    return {path.name for path in folder.rglob("*") if path.is_symlink() and path.parent != folder}


@pytest.mark.root
def test_it_installs_and_starts_nothing_without_a_configuration(installed: Debian) -> None:
    assert installed.state() == "installed"
    assert not [name for name in enabled(installed) if "desahub" in name]
    assert not enabled(installed) & {"nginx.service", "hostapd.service", "dnsmasq.service", "nftables.service"}
    users = installed.run("getent", "passwd")
    for name in ("gate", "portal", "kiosk", "agent", "web", "dns"):
        assert f"desahub-{name}:" in users
    assert installed.run("stat", "-c", "%a %U", "/etc/desahub/secrets").split() == ["700", "root"]


@pytest.mark.root
def test_what_is_installed_is_what_was_packed(installed: Debian) -> None:
    assert installed.run("dpkg", "--verify", "desahub") == ""
    assert not installed.run(
        "find", "/opt/desahub", "-not", "-user", "root", "-o", "-perm", "/022", "-not", "-type", "l"
    )
    assert installed.run("sh", "-c", "find /opt/desahub/lib -name 'config.cpython-*.pyc' | wc -l").strip() != "0"
    every = (
        "import appliance.cli, appliance.gate.daemon, captive_portal.views, agent.sampler, agent.publisher, gunicorn"
    )
    assert installed.run("/opt/desahub/bin/python", "-I", "-c", every) == ""
    version = "from importlib.metadata import version; print(version('desahub'))"
    said = installed.run("/opt/desahub/bin/python", "-I", "-c", version).strip()
    assert f'version = "{said}"' in (REPOSITORY / "pyproject.toml").read_text("utf-8")


@pytest.mark.root
def test_the_example_is_right_and_becomes_files_that_the_programs_take(installed: Debian) -> None:
    assert "right" in installed.run("desahub", "check-config", EXAMPLE)

    listed = installed.run("desahub", "render", EXAMPLE, "--out", "/tmp/rendered").split()
    assert {"/tmp/rendered/nftables.nft", "/tmp/rendered/hostapd-warga.conf"} <= set(listed)
    installed.run("nft", "-c", "-f", "/tmp/rendered/nftables.nft")
    installed.run("dnsmasq", "--test", "-C", "/tmp/rendered/dnsmasq.conf")
    installed.run("mkdir", "/run/desahub-web")
    installed.run("nginx", "-t", "-q", "-e", "stderr", "-c", "/tmp/rendered/nginx.conf")
    installed.run("rm", "-r", "/run/desahub-web", "/tmp/rendered")


@pytest.mark.root
def test_a_wrong_configuration_is_refused(installed: Debian) -> None:
    wrong = (REPOSITORY / "image-build/debian/hub.toml").read_text("utf-8").replace('band = "2.4"', 'band = "3"')
    (installed.root / "tmp/wrong.toml").write_text(wrong, "utf-8")
    with pytest.raises(AssertionError, match=r"radio\.band: is '3', allowed are"):
        installed.run("desahub", "check-config", "/tmp/wrong.toml")


@pytest.mark.root
def test_the_units_are_right_on_this_system(installed: Debian) -> None:
    units = [path.name for path in (installed.root / "usr/lib/systemd/system").glob("desahub*")]
    named = [name.replace("@.", "@warga.") for name in units]
    # Programs of packages that are recommended or suggested: a box without printer or screen has no need of them.
    optional = {"desahub-printer.service": "cups-daemon", "desahub-screen.service": "cage"}
    wanted = [name for name in named if name not in optional]
    assert installed.run("systemd-analyze", "verify", "--man=no", *wanted) == ""
    control = installed.run("dpkg-query", "-W", "-f=${Recommends} ${Suggests}", "desahub")
    assert set(optional) <= set(named) and all(package in control for package in optional.values())


def reconfigure(debian: Debian) -> str:
    """What dpkg does after an upgrade."""
    return debian.run("/var/lib/dpkg/info/desahub.postinst", "configure", "0.0.1")


@pytest.mark.root
def test_an_upgrade_with_a_wrong_configuration_changes_nothing(installed: Debian) -> None:
    hub_toml = installed.root / "etc/desahub/hub.toml"
    hub_toml.write_text("[hub]\nid = 'X'\n", "utf-8")

    assert "what runs was left alone" in reconfigure(installed)
    assert not list((installed.root / "etc/desahub/rendered").iterdir())
    assert not [name for name in enabled(installed) if "desahub" in name]
    hub_toml.unlink()


@pytest.mark.root
def test_an_upgrade_that_needs_more_than_hub_toml_says_is_refused_before_anything_is_replaced(
    installed: Debian, package: Path
) -> None:
    """dpkg takes another package of the same version for an upgrade, prerm and preinst included."""
    root = installed.root
    shutil.copy(package, root / "desahub.deb")
    (init,) = root.glob("opt/desahub/lib/python3.*/site-packages/appliance/__init__.py")
    example = (root / EXAMPLE.lstrip("/")).read_text("utf-8")
    (root / "etc/desahub/hub.toml").write_text(re.sub(r"(?m)^download_kbit = .*\n", "", example), "utf-8")
    packed = init.read_bytes()
    init.write_text("# the old version\n", "utf-8")
    try:
        with pytest.raises(AssertionError) as refusal:
            installed.run("dpkg", "--install", "/desahub.deb")
        said = str(refusal.value)
        assert "uplink.download_kbit: is missing" in said
        assert "nothing was replaced" in said and "upgrade again" in said
        assert "Traceback" not in said
        assert installed.state() == "installed"
        assert init.read_text("utf-8") == "# the old version\n"
        assert list((init.parent / "__pycache__").iterdir()), "prerm has taken it away; it is there again"
        (root / "etc/desahub/hub.toml").unlink()
        assert "nothing runs yet" in installed.run("dpkg", "--install", "/desahub.deb")
    finally:
        (root / "etc/desahub/hub.toml").unlink(missing_ok=True)
        (root / "desahub.deb").unlink()
    assert init.read_bytes() == packed


@pytest.mark.root
def test_configure_then_remove_keeps_data_and_purge_takes_it(installed: Debian) -> None:
    root = installed.root
    shutil.copy(root / EXAMPLE.lstrip("/"), root / "etc/desahub/hub.toml")
    assert "what runs was left alone" not in reconfigure(installed)
    assert {"desahub.target", "desahub-firewall.service", "systemd-networkd.service"} <= enabled(installed)
    assert {"desahub-radio@warga.service", "desahub-radio@kantor.service"} <= enabled(installed)
    assert (root / "etc/desahub/rendered/nginx.conf").exists()
    assert (root / "etc/systemd/network/10-desahub-br-warga.network").exists()
    for name in ("portal", "kiosk", "agent", "dns"):
        (root / f"var/lib/desahub-{name}").mkdir()
        (root / f"var/lib/desahub-{name}/kept").touch()

    installed.run("dpkg", "--remove", "desahub")
    assert installed.state() == "config-files"
    assert (root / "etc/desahub/hub.toml").exists()
    assert (root / "var/lib/desahub-kiosk/kept").exists()
    assert not (root / "opt/desahub").exists()
    assert not [name for name in enabled(installed) if "desahub" in name]

    installed.run("dpkg", "--purge", "desahub")
    assert installed.state() in {"unknown", "not-installed"}
    left = installed.run(
        "find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/var/log", ")", "-prune", "-o",
        "-name", "*desahub*", "-print",
    ).split()  # fmt: skip
    # The lists of apt and dpkg may speak of it, and its users stay: postrm says why.
    assert left == []
    assert "desahub-portal:" in installed.run("getent", "passwd")
