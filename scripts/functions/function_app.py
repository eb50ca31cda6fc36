"""An Azure Functions timer that fetches the stores' reports: once a day, after Apple's are ready (17:00 UTC)."""

import logging

import azure.functions as func

from metrics_lake.cli import main

app = func.FunctionApp()


@app.timer_trigger(schedule="0 0 17 * * *", arg_name="timer", run_on_startup=False, use_monitor=True)
def fetch(timer: func.TimerRequest) -> None:
    for store in ("app-store", "google-play"):
        try:
            code = main(["fetch", store])
        except SystemExit as ended:
            code = ended.code
        logging.log(logging.ERROR if code else logging.INFO, "fetch %s ended with %s", store, code or 0)
