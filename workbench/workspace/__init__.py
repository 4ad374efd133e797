"""The face's side: the workspace as its user sees it, and the client that reaches the services.

Every `wb` command pays for importing it: what brings asyncio, the store or a machine is imported where it is
used.
"""

from workbench.workspace.facade import Workspace

__all__ = ["Workspace"]
