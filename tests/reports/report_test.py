"""The figures of small results: what they are drawn from, that their bytes repeat, and what is refused."""

import contextlib
import csv
import importlib.util
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "reports"
sys.path.insert(0, str(PACKAGE))
specification = importlib.util.spec_from_file_location("outrider_report", PACKAGE / "__main__.py")
program = importlib.util.module_from_spec(specification)
sys.modules["outrider_report"] = program
specification.loader.exec_module(program)

POINT = {"scenario": "s", "model": "m$_x$", "machine": "<b>box</b>", "workload": "decode", "label": "full_kv",
         "context": "32768", "batch": "4", "fits": "true", "tokens_per_s": "100", "versus_baseline": "1",
         "baseline": "full_kv", "step_s": "0.04", "gpu_idle": "0.25", "ledger_sum_work_s": "1",
         "ledger_sum_contention_s": "1", "ledger_sum_queue_s": "2", "ledger_sum_dependency_s": "0"}
NOT_FITTING = {"fits": "false", "batch": "", "tokens_per_s": "", "versus_baseline": "", "step_s": "", "gpu_idle": "",
               "ledger_sum_work_s": "", "ledger_sum_contention_s": "", "ledger_sum_queue_s": "",
               "ledger_sum_dependency_s": ""}
CLAIM = {"scenario": "s", "id": "speed", "claim": "twice as fast", "relation": "equals", "claimed": "2",
         "predicted": "3", "verdict": "differs", "certainty": "P"}
STEP = {"method": "scout", "workload": "decode", "context": "4096", "batch": "1", "measured_s": "0.02",
        "spread": "0.01", "simulated_s": "0.021"}


def write_csv(file, rows):
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def read_csv(file):
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write_run(self):
        scout = POINT | {"label": "scout", "tokens_per_s": "250", "versus_baseline": "2.5"}
        write_csv(self.folder / "results.csv", [POINT, scout, POINT | {"label": "hgca"} | NOT_FITTING])
        causes = [{"operation": "gemm", "share": 0.75}, {"operation": "copy_h2d", "share": 0.25}]
        facts = {"cpu_ratio_by_step": [0.1, 0.2]}
        points = [{"causes": causes}, {"causes": causes, "facts": facts}, {"causes": []}]
        (self.folder / "results.json").write_text(json.dumps({"points": points}))

    def report(self, *flags):
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            status = program.main([*flags, "--", str(self.folder)])
        return status, out.getvalue(), error.getvalue()

    def figure(self, name):
        return self.folder / "figures" / name

    def test_every_figure_has_three_pictures_its_csv_and_its_command(self):
        self.write_run()
        status, out, error = self.report()
        self.assertEqual((status, error), (0, ""))
        for name in ("throughput", "speed-up", "breakdown", "ledger", "gpu-idle", "cpu-share"):
            self.assertIn(name, out)
            for ending in ("pdf", "svg", "png", "csv", "txt"):
                self.assertGreater(self.figure(f"{name}.{ending}").stat().st_size, 0)
            self.assertIn(f"outrider report {self.folder} --only {name}", self.figure(f"{name}.txt").read_text())
        self.assertFalse(self.figure("claims.pdf").exists())

    def test_same_results_give_same_bytes(self):
        self.write_run()
        self.report()
        first = {file.name: file.read_bytes() for file in self.figure("").iterdir()}
        self.report()
        self.assertEqual(first, {file.name: file.read_bytes() for file in self.figure("").iterdir()})

    def test_fonts_are_embedded_as_truetype(self):
        self.write_run()
        self.report("--only=throughput")
        pdf = self.figure("throughput.pdf").read_bytes()
        self.assertIn(b"/FontFile2", pdf)
        self.assertNotIn(b"/Type3", pdf)

    def test_a_figure_spans_the_columns_asked_for(self):
        self.write_run()
        self.report("--only=throughput", "--columns=1")
        self.assertIn('width="241.2pt"', self.figure("throughput.svg").read_text())
        self.report("--only=throughput", "--columns=2")
        self.assertIn('width="504pt"', self.figure("throughput.svg").read_text())

    def test_the_csv_has_the_figures_that_are_drawn(self):
        self.write_run()
        self.report()
        rows = read_csv(self.figure("throughput.csv"))
        self.assertEqual([row["tokens_per_s"] for row in rows], ["100.0", "250.0", ""])
        self.assertEqual({row["group"] for row in rows}, {"32K"})
        ledger = [row["share"] for row in read_csv(self.figure("ledger.csv")) if row["label"] == "scout"]
        self.assertEqual(ledger, ["0.25", "0.25", "0.5", "0.0"])
        seconds = [row["seconds_per_step"] for row in read_csv(self.figure("breakdown.csv"))]
        self.assertEqual(seconds[:2], ["0.03", "0.01"])

    def test_claims_that_set_something_are_not_drawn(self):
        write_csv(self.folder / "claims.csv", [CLAIM, CLAIM | {"id": "set", "verdict": "input"}])
        self.assertEqual(self.report()[0], 0)
        self.assertEqual([row["id"] for row in read_csv(self.figure("claims.csv"))], ["speed"])

    def test_measured_steps_of_several_files_are_drawn_together(self):
        write_csv(self.folder / "steps.csv", [STEP])
        write_csv(self.folder / "steps-2.csv", [STEP, STEP | {"measured_s": "", "simulated_s": ""}])
        self.assertEqual(self.report()[0], 0)
        rows = read_csv(self.figure("measured.csv"))
        self.assertEqual([row["file"] for row in rows], ["steps-2.csv", "steps.csv"])
        self.assertAlmostEqual(float(rows[0]["error"]), 0.05)

    def test_wrong_cells_are_named_with_line_and_column(self):
        write_csv(self.folder / "results.csv", [POINT, POINT | {"tokens_per_s": "fast"}])
        status, _, error = self.report()
        self.assertEqual(status, 2)
        self.assertIn("results.csv:3: tokens_per_s: expected a number, got 'fast'", error)

    def test_a_missing_column_is_named(self):
        write_csv(self.folder / "results.csv", [{k: v for k, v in POINT.items() if k != "gpu_idle"}])
        self.assertIn("results.csv:2: expected a column 'gpu_idle'", self.report()[2])

    def test_a_folder_without_results_is_refused(self):
        status, _, error = self.report()
        self.assertEqual(status, 2)
        self.assertIn("expected results to draw", error)

    def test_an_unknown_figure_is_refused_with_the_valid_ones(self):
        self.write_run()
        status, _, error = self.report("--only=troughput")
        self.assertEqual(status, 2)
        self.assertIn("unknown figure 'troughput' (valid: throughput,", error)


if __name__ == "__main__":
    unittest.main()
