"""Where readings, snapshots, findings and the audit are kept: one contract, several stores."""
