"""Files and blobs, on a disk or in Azure's storage."""
