"""The command `serve`: the HTTP side, started from the command line like any other command."""

from typing import Annotated, Any

import typer

from edge.session import AsJson, Session, run


def add_serve_command(app: typer.Typer) -> None:
    """Add `serve` to the application."""
    app.command("serve", rich_help_panel="Operate")(_serve)


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
