"""Files that are replaced while a server reads them: by rename, and as the kubelet replaces a mounted secret."""

from pathlib import Path


def replace(path: Path, content: str | bytes) -> None:
    """Replace a file at once."""
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    fresh.replace(path)


def swap(mounted: Path, **files: str | bytes) -> None:
    """Replace all files of a mounted secret at once: each is a link through ..data, which is a link to a folder."""
    mounted.mkdir(exist_ok=True)
    folder = mounted / f"..{len(list(mounted.iterdir()))}"
    folder.mkdir()
    for name, content in files.items():
        file = folder / name.replace("_", ".")
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        link = mounted / file.name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / file.name)
    (mounted / "..fresh").symlink_to(folder.name)
    (mounted / "..fresh").replace(mounted / "..data")
