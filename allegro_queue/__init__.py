"""Supervised background jobs for Django on RQ.

The flow, once::

    dispatch() ──► RQ queues in Redis ──► worker (takes, runs, records) ◄── pool ◄── supervisor ◄── master
                                            │                                                  │
                                            ▼                                                  ▼
                                     tallies, registries                              records with a short life
                                            │                                                  │
                                            └────────► snapshots ────► /horizon ◄──────────────┘

The data is plain RQ data: jobs that stock RQ enqueues run here, and every RQ tool reads what is enqueued here.
Modules are ranked; a module imports only from ranks above its own (see ``docs/architecture.md``).
"""

__version__ = "0.1.0"
