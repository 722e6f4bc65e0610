"""What is read from the tables: judged bars, snapshots and panels; nothing here writes."""
