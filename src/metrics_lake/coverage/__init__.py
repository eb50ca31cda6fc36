"""What has arrived: hours, completeness, lost lines. Pure."""
