"""Pictures: of the expected size, with what they should show, written whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from pyomo_relu.errors import InputError, MissingDependencyError, ShapeError
from pyomo_relu.figure import DPI
from pyomo_relu.plots import STEMS, GalleryRow, image_side, plot_gallery, plot_inversion

IMAGE = np.linspace(0.0, 1.0, 25)


def pixels(path: Path) -> Any:
    from matplotlib.image import imread

    return imread(path)[..., :3]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were saved, to look into."""
    from matplotlib.figure import Figure

    figures: list[Any] = []
    save = Figure.savefig

    def saved(figure: Any, *given: Any, **settings: Any) -> None:
        figures.append(figure)
        save(figure, *given, **settings)

    monkeypatch.setattr(Figure, "savefig", saved)
    return figures


@pytest.mark.parametrize(("size", "side"), [(16, 4), (784, 28), (9, None), (15, None), (30, None), (1, None)])
def test_perfect_squares_from_16_on_are_images(size: int, side: int | None) -> None:
    assert image_side(size) == side


def test_images_are_drawn_as_images(tmp_path: Path, drawn: list[Any]) -> None:
    plot_inversion(IMAGE, IMAGE + 0.25, tmp_path / "x.png", title="a title")
    shape = pixels(tmp_path / "x.png").shape
    assert shape[:2] == (round(3.2 * DPI), round(9.2 * DPI))
    observation, reconstruction, error = (axes.images[0] for axes in drawn[0].axes[:3])
    np.testing.assert_array_equal(observation.get_array().ravel(), IMAGE)
    np.testing.assert_array_equal(reconstruction.get_array().ravel(), IMAGE + 0.25)
    np.testing.assert_allclose(error.get_array(), 0.25)
    assert observation.get_clim() == reconstruction.get_clim()
    assert error.get_clim() == pytest.approx((-0.25, 0.25))
    assert drawn[0].get_suptitle() == "a title"
    assert "largest 0.25" in drawn[0].axes[2].get_title()


def test_hidden_pixels_are_hatched_and_have_no_error(tmp_path: Path, drawn: list[Any]) -> None:
    mask = np.ones(25, dtype=bool)
    mask[[6, 7, 24]] = False
    x = np.where(mask, IMAGE, np.nan)
    plot_inversion(x, IMAGE + 0.5, tmp_path / "x.png", mask=mask)
    left, _, right = drawn[0].axes[:3]
    for axes in (left, right):
        (holes,) = axes.collections
        assert len(holes.get_paths()) == 2
        assert holes.get_hatch() == "////"
    error = np.asarray(right.images[0].get_array()).ravel()
    np.testing.assert_allclose(error, np.where(mask, 0.5, 0.0), rtol=1e-12)
    assert left.get_xlabel() == "hatched: 3 of 25 not observed"


@pytest.mark.parametrize("size", [1, 9, 30, 65, 300])
def test_other_sizes_are_drawn_as_stems_or_lines(tmp_path: Path, drawn: list[Any], size: int) -> None:
    x = np.sin(np.arange(size))
    mask = np.arange(size) != 3
    plot_inversion(np.where(mask, x, np.nan), x + 0.1, tmp_path / "x.png", mask=mask)
    assert pixels(tmp_path / "x.png").shape[:2] == (round(4.4 * DPI), round(9.2 * DPI))
    above = drawn[0].axes[0]
    (observed,) = (line for line in above.lines if line.get_label() == "observation")
    np.testing.assert_array_equal(observed.get_ydata(), np.where(mask, x, np.nan))
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels == ["observation", "reconstruction A G(z)", *(["not observed"] if size > 3 else [])]
    assert bool(above.collections) == (size <= STEMS)


def test_constant_images_have_a_scale(tmp_path: Path, drawn: list[Any]) -> None:
    plot_inversion(np.zeros(16), np.zeros(16), tmp_path / "x.png")
    assert drawn[0].axes[0].images[0].get_clim() == (0.0, 1.0)
    assert drawn[0].axes[2].images[0].get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_suffix_is_the_format(tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    plot_inversion(IMAGE, IMAGE, path)
    assert path.read_bytes().startswith(magic)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf", "a.png", "b.png", "a.svg", "b.svg"):
        plot_inversion(IMAGE, IMAGE + 0.5, tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_bad_input_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    with pytest.raises(ShapeError, match=r"observation has shape \(4,\), the reconstruction \(25,\)"):
        plot_inversion(np.zeros(4), IMAGE, path)
    with pytest.raises(InputError, match="observation has 1 entry that is not finite"):
        plot_inversion(np.where(IMAGE == 0.0, np.nan, IMAGE), IMAGE, path)
    with pytest.raises(ShapeError, match="mask has 3 entries, expected 25"):
        plot_inversion(IMAGE, IMAGE, path, mask=[1, 0, 1])
    with pytest.raises(InputError, match="mask observes nothing"):
        plot_inversion(IMAGE, IMAGE, path, mask=np.zeros(25))
    with pytest.raises(InputError, match="mask must hold booleans"):
        plot_inversion(IMAGE, IMAGE, path, mask=np.full(25, 0.5))
    with pytest.raises(InputError, match=r"cannot draw '\.gif'; known: \.png, \.svg, \.pdf"):
        plot_inversion(IMAGE, IMAGE, tmp_path / "x.gif")
    with pytest.raises(InputError, match="cannot write"):
        plot_inversion(IMAGE, IMAGE, tmp_path / "nowhere" / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_a_gallery_has_an_image_a_cell(tmp_path: Path, drawn: list[Any]) -> None:
    rows = [
        GalleryRow("first", [IMAGE, 1.0 - IMAGE, IMAGE], ["a", "b", "c"]),
        GalleryRow("second", [IMAGE, None, IMAGE], ["d", "time limit", "f"]),
    ]
    plot_gallery(rows, ["one", "two", "three"], tmp_path / "x.png")
    height, width, _ = pixels(tmp_path / "x.png").shape
    assert abs(width - (1.3 + 1.35 * 3) * DPI) <= 1
    assert abs(height - (0.5 + 1.62 * 2) * DPI) <= 1
    axes = drawn[0].axes
    assert [len(cell.images) for cell in axes] == [1, 1, 1, 1, 0, 1]
    assert axes[4].texts[0].get_text() == "no code"
    assert [cell.get_xlabel() for cell in axes] == ["a", "b", "c", "d", "time limit", "f"]
    assert [cell.get_title() for cell in axes[:3]] == ["one", "two", "three"]
    assert [axes[0].get_ylabel(), axes[3].get_ylabel()] == ["first", "second"]
    np.testing.assert_array_equal(axes[1].images[0].get_array().ravel(), 1.0 - IMAGE)


@pytest.mark.parametrize("n", [1, 3, 10])
def test_nothing_in_a_gallery_overlaps(tmp_path: Path, drawn: list[Any], n: int) -> None:
    captions = ["time limit\nresidual 0.00999, 35.7 dB"] * n
    rows = [GalleryRow(label, [IMAGE] * n, captions) for label in ("observation", "layer-wise", "exact")]
    plot_gallery(rows, ["digit 0"] * n, tmp_path / "x.png", title="Inverting a ReLU generator 20-60-784")
    boxes = [axes.xaxis.label.get_window_extent() for axes in drawn[0].axes]
    boxes += [axes.title.get_window_extent() for axes in drawn[0].axes[:n]]
    boxes += [axes.yaxis.label.get_window_extent() for axes in drawn[0].axes[::n]]
    boxes += [drawn[0]._suptitle.get_window_extent()]
    boxes += [axes.get_window_extent() for axes in drawn[0].axes]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert box.x0 >= 0
        assert box.x1 <= drawn[0].bbox.x1


def test_a_gallery_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    with pytest.raises(InputError, match="at least one row and one column"):
        plot_gallery([], ["a"], path)
    with pytest.raises(ShapeError, match="row 'r' has 1 images and 2 captions for 2 columns"):
        plot_gallery([GalleryRow("r", [IMAGE], ["a", "b"])], ["a", "b"], path)
    with pytest.raises(ShapeError, match="image of 20 pixels, which is no square"):
        plot_gallery([GalleryRow("r", [np.zeros(20)], ["a"])], ["a"], path)
    assert not path.exists()


def test_without_matplotlib_the_message_has_the_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pyomo-relu\[plot\]"'):
        plot_inversion(IMAGE, IMAGE, tmp_path / "x.png")


def test_matplotlib_is_loaded_only_to_draw_and_pyplot_knows_no_figure(tmp_path: Path) -> None:
    # Pyomo loads pyplot as soon as anybody loads Matplotlib; it must not own, or change, anything of ours.
    code = (
        "import sys, numpy as np; from pyomo_relu.plots import plot_inversion; assert 'matplotlib' not in sys.modules;"
        "from matplotlib import pyplot, rcParams; before = dict(rcParams);"
        f"plot_inversion(np.ones(16), np.ones(16), {str(tmp_path / 'x.png')!r});"
        "assert pyplot.get_fignums() == [] and dict(rcParams) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert (tmp_path / "x.png").stat().st_size > 1000
