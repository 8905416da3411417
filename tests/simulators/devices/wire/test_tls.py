"""Modbus/TLS: the server shows a certificate, and wants one where it was told so."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.devices.wire.tcp import ModbusServer
from simulators.devices.wire.tls import server_context
from tests.simulators.devices.wire.recording import Recorder, frame, read, read_answer
from vpp_core.faults import ConfigurationFault

READ, ANSWER = frame(1, 1, read(1_000, 2)), frame(1, 1, read_answer(1_000, 2))


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)  # noqa: S603, S607


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throwaway authority, a server and a client that it signed, and a client that signed itself."""
    folder = tmp_path_factory.mktemp("papers")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl(folder, *new, "-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=authority")
    openssl(folder, *new, "-keyout", "stranger.key", "-out", "stranger.pem", "-subj", "/CN=stranger")
    for name, extension in (("server", "subjectAltName=DNS:localhost,IP:127.0.0.1"), ("client", "")):
        signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-subj", f"/CN={name}")
        added = ("-addext", extension) if extension else ()
        openssl(folder, *new, *signed, *added, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    return folder


def client_context(papers: Path, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=papers / "authority.pem")
    if name is not None:
        context.load_cert_chain(papers / f"{name}.pem", papers / f"{name}.key")
    return context


@asynccontextmanager
async def serving(papers: Path, *, wants_certificate: bool) -> AsyncIterator[int]:
    authority = papers / "authority.pem" if wants_certificate else None
    context = server_context(papers / "server.pem", papers / "server.key", authority)
    server = ModbusServer({1: Recorder()}, tls=context)
    yield await server.start()
    await server.stop()


@pytest.mark.parametrize(
    ("wants_certificate", "client"),
    [
        pytest.param(False, None, id="no-certificate-where-none-is-wanted"),
        pytest.param(True, "client", id="the-authority's-certificate-where-one-is-wanted"),
    ],
)
async def test_a_client_is_answered_with(papers: Path, wants_certificate: bool, client: str | None) -> None:  # noqa: FBT001
    async with serving(papers, wants_certificate=wants_certificate) as port:
        context = client_context(papers, client)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(3 * READ)
        assert await reader.readexactly(39) == 3 * ANSWER
        assert writer.get_extra_info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "client", [pytest.param(None, id="no-certificate"), pytest.param("stranger", id="a-stranger's")]
)
async def test_a_client_is_turned_away_with(papers: Path, client: str | None) -> None:
    async with serving(papers, wants_certificate=True) as port:
        assert await answered(port, client_context(papers, client)) == b""


async def answered(port: int, context: ssl.SSLContext) -> bytes:
    """What a request gets; nothing where the connection fails, which in TLS 1.3 the first read tells."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(READ)
        answer = await reader.read(13)
    except (ssl.SSLError, ConnectionError):
        return b""
    writer.transport.abort()
    return answer


async def test_plain_bytes_are_not_answered(papers: Path) -> None:
    async with serving(papers, wants_certificate=False) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(READ)
        answer = await reader.read()
        assert b"\x03\x04" not in answer
        writer.close()


@pytest.mark.parametrize(
    ("certificate", "key", "authority", "named"),
    [
        pytest.param("none.pem", "server.key", None, "none.pem", id="a-certificate-that-is-not-there"),
        pytest.param("server.pem", "client.key", None, "server.pem", id="a-key-of-another-one"),
        pytest.param("server.pem", "server.key", "none.pem", "none.pem", id="an-authority-that-is-not-there"),
        pytest.param("server.pem", "server.key", "server.key", "authority", id="an-authority-that-is-none"),
    ],
)
def test_papers_that_cannot_be_used_are_one_sentence(
    papers: Path, certificate: str, key: str, authority: str | None, named: str
) -> None:
    with pytest.raises(ConfigurationFault, match=named):
        server_context(papers / certificate, papers / key, papers / authority if authority else None)
