"""Logs of HAProxy in front of live audio: from the bytes of a file to rows of `bronze.haproxy`.

Every line of a file is counted in exactly one of four classes: accepted (a request of a stream), reject (can't be
parsed), unclaimed (no stream matches) or skipped (a notice, a duplicate, a blank line).
"""
