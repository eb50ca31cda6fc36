"""Every arrow in the lake: ingest, refine, compute, publish. Run twice equals run once.

Each job reads what came after its own last commit and restates just what that touches. What it had read stands in
its commit, so a crash between two jobs, or within one, costs only the work done again.
"""
