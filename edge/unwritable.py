"""Files that cannot be read or written: a sentence with the place and what to do, where Python has a traceback."""

import errno

from client.problems import NotThere

_MAKE_ROOM = "腾出空间 Make room there"
_RIGHTS = "请授予本程序读写权限，或换一处 Give this user the right to read and write there, or name another place"
_NO_FOLDER = "路径中有文件而非文件夹 A file stands where a folder is wanted: name another place"
_REMEDIES = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EFBIG: _MAKE_ROOM,
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.EISDIR: "该处是文件夹而非文件 A folder stands where a file is wanted: name another place",
    errno.EIO: "请检查磁盘 See to the disk",
}


def cannot_write(problem: OSError, afterwards: str = "") -> NotThere | None:
    """The refusal for an error of the disk; None for any other. `afterwards` says what the command has done by then."""
    if problem.errno not in _REMEDIES:
        return None
    where = problem.filename2 or problem.filename or "临时文件夹或磁盘 the temporary folder, or the disk"
    says = f"无法读写 cannot read or write: {where}: {problem.strerror}. {_REMEDIES[problem.errno]}."
    return NotThere("CannotWrite", f"{says} {afterwards}".strip())
