"""Runs `execution_work.numbers` as a command would: FOLDER WORKERS RESUME WAIT_S FILE_LIMIT; the outcome as JSON.

Its workers load this file too, and none of what is loaded below.
"""

if __name__ == "__main__":
    import json
    import multiprocessing
    import resource
    import signal
    import sys
    from dataclasses import asdict
    from pathlib import Path

    import execution_work

    from cpo_pdk.errors import CpoError
    from cpo_pdk.execution import Place, Work, run

    folder, workers, resume, wait_s, limit = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))

    def progress(done: int, total: int) -> None:
        """Tell what is done and who works."""
        pids = [child.pid for child in multiprocessing.active_children()]
        print(json.dumps({"done": done, "total": total, "children": pids}), flush=True)

    payload = {"wait_s": float(wait_s)}
    task = Work(execution_work.numbers, payload, samples=200, inputs_digest="abc", name="test", chunk=10)
    try:
        outcome = run(task, Path(folder), Place(int(workers)), resume=resume == "resume", progress=progress)
    except CpoError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    print(json.dumps({k: v for k, v in asdict(outcome).items() if k != "folder"}), flush=True)
    raise SystemExit(130 if outcome.interrupted else 0)
