"""The commands `serve` and `serve-billing`: what answers over HTTP, started like any other command."""

from typing import Annotated, Any

import typer

from edge.session import AsJson, Session, run

LOCAL = "127.0.0.1"


def add_serve_command(app: typer.Typer) -> None:
    """Add `serve` and `serve-billing` to the application."""
    app.command("serve", rich_help_panel="Operate")(_serve)
    app.command("serve-billing", rich_help_panel="Operate")(_serve_billing)


def _serve(
    host: Annotated[str | None, typer.Option(help="left out, ARREARS_CONSOLE_HOST", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="left out, ARREARS_CONSOLE_PORT", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """网络接口: signed billing events and the codec server over HTTP, until Ctrl-C."""

    async def act(session: Session) -> dict[str, Any]:
        # Loaded on demand: no other command needs a web server.
        from console.serve import serve

        await serve(session, host, port)
        return {"stopped": True}

    run(as_json, act, lambda _result, _out: None)


def _serve_billing(
    host: Annotated[str, typer.Option(help="address to listen on; other than this machine's needs a token")] = LOCAL,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8089,
    token: Annotated[
        str | None, typer.Option(help="who asks must know it; left out, everybody is answered", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """营销接口样例: the embedded book over HTTP, as the utility's own billing system would answer, until Ctrl-C.

    For whoever writes an adapter or tries the API: docs/billing-api.md.
    """

    async def act(session: Session) -> dict[str, Any]:
        from console.serve_billing import serve_billing

        await serve_billing(session, host, port, token)
        return {"stopped": True}

    run(as_json, act, lambda _result, _out: None)
