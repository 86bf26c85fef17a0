"""What each alarm means and what to do: for the pages, in the words of people. Pure.

docs/operations.md says the same for those who run a NOC; a test holds that no problem is missing in either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from noc.rules.problems import Problem

Say = Callable[[str], str]
# Whose doing it mostly is, in the order in which one asks.
_SHARED_FIRST: Final = (Problem.NOC_DEAF, Problem.NO_CONTACT, Problem.UPLINK_DOWN)


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the runbook.

    Attributes:
        meaning: what is known, and what is not.
        steps: what to do, in order, at one hub.
        many: what to do instead where many hubs have it at once, () where it is never shared.
        residents: what residents notice.
    """

    meaning: str
    residents: str
    steps: tuple[str, ...]
    many: tuple[str, ...] = ()


def entries(_: Say) -> dict[Problem, Entry]:
    """Each problem's page, those that many hubs can share first."""
    found = {**_contact(_), **_gate(_), **_storage(_), **_machine(_), **_identity(_), **_portal(_)}
    return {problem: found[problem] for problem in (*_SHARED_FIRST, *(p for p in Problem if p not in _SHARED_FIRST))}


def _contact(_: Say) -> dict[Problem, Entry]:
    return {
        Problem.NOC_DEAF: Entry(
            _(
                "NOC tidak menerima apa pun dari broker ini, juga pesan ujinya sendiri. Tidak ada hub"
                " yang dinyatakan mati karenanya."
            ),
            _("Tidak ada: hub tetap melayani warga. Catatannya tersimpan di hub dan dikirim nanti."),
            (
                _("Di server NOC: systemctl status desahub-noc-broker desahub-noc-ingest."),
                _("Periksa ruang disk server dan jaringan server NOC sendiri."),
                _("Baca journalctl -u desahub-noc-broker -u desahub-noc-ingest sejak waktu mulainya."),
                _("Sesudah pulih, hub kembali bertahap dalam 15 menit; sampai itu keadaannya tidak diketahui."),
            ),
        ),
        Problem.NO_CONTACT: Entry(
            _(
                "Tidak ada kabar dari hub: tanpa listrik, tanpa jaringan, atau rusak. Yang mana belum"
                " diketahui; catatan hub sendiri menjelaskannya begitu ia kembali."
            ),
            _("Kalau listrik padam: tanpa Wi-Fi. Kalau jaringan putus: Wi-Fi dan layanan desa jalan, internet tidak."),
            (
                _("Telepon kontak desa: apakah kantor desa berlistrik? Lampu hub dan modem menyala?"),
                _("Listrik ada, modem mati: minta cabut lalu colok lagi listrik modem, tunggu 5 menit."),
                _("Modem menyala, hub tetap diam: tanyakan penyedia apakah jalurnya terganggu."),
                _(
                    "Hub tanpa lampu walau berlistrik: catu daya atau kartu rusak; jadwalkan"
                    " kunjungan dengan penggantinya."
                ),
            ),
            (
                _("Lihat apa yang dipakai bersama: di halaman insiden, bagian Sebab."),
                _("Broker: periksa broker itu di server NOC lebih dulu."),
                _("Jalur bersama atau satu penyedia: telepon penyedia, minta nomor gangguan dan perkiraan pulih."),
                _("Satu kecamatan atau lebih luas: tanyakan PLN (123) apakah ada pemadaman, lalu penyedia."),
                _("Tangani insiden dengan catatan nomor gangguan, supaya tidak ada yang menelepon dua kali."),
                _("Kirim orang dengan daftar kirim hanya ke hub yang tetap gelap sesudah listrik dan jalur pulih."),
            ),
        ),
        Problem.UPLINK_DOWN: Entry(
            _(
                "Hub berbicara dan berkata internet tidak menjawab: yang dekat hub jalan, yang lebih"
                " jauh tidak. Atau penyedia menghadang dengan halaman, misalnya karena tagihan."
            ),
            _("Wi-Fi tersambung dan layanan desa jalan, tetapi internet tidak."),
            (
                _("Lihat halaman hub: berapa lama, dan apakah kabel, alamat, atau jalan keluar yang hilang."),
                _("Telepon penyedia dengan nama pelanggan desa; tanyakan tagihan juga."),
                _("Alamat hilang terus-menerus: minta desa mematikan modem selama satu menit."),
            ),
            (
                _("Banyak hub satu penyedia: telepon penyedia, minta nomor gangguan dan perkiraan pulih."),
                _("Tangani insiden dengan catatan nomor gangguan itu."),
            ),
        ),
    }


def _gate(_: Say) -> dict[Problem, Entry]:
    return {
        Problem.GATE_SILENT: Entry(
            _("Program gerbang (firewall) tidak menjawab. Yang sudah tersambung tetap jalan."),
            _("Orang baru tidak bisa masuk internet."),
            (
                _("Kirim perintah: mulai ulang desahub-gate.service."),
                _("Masih begitu: minta catatan unit itu (perintah logs), lalu hubungi pengembang dengan isinya."),
            ),
        ),
        Problem.GATE_OPEN: Entry(
            _(
                "Gerbang membiarkan semua orang lewat tanpa masuk: batas kecepatan, jam buka, dan"
                " saringan tidak berlaku."
            ),
            _("Semua bisa memakai internet tanpa halaman masuk."),
            (
                _("Segera kirim perintah: mulai ulang desahub-gate.service."),
                _("Masih terbuka sesudah 5 menit: minta teknisi menjalankan desahub apply di kotaknya."),
                _("Catat sejak kapan dan berapa lama terbuka."),
            ),
        ),
    }


def _storage(_: Say) -> dict[Problem, Entry]:
    return {
        Problem.DISK_FULL: Entry(
            _("Kurang dari sepersepuluh penyimpanan hub yang bebas."),
            _("Belum ada. Kalau penuh, surat dan pengaduan tidak bisa disimpan lagi."),
            (
                _("Lihat grafik penyimpanan di halaman hub: naik pelan atau mendadak?"),
                _("Mendadak: minta catatan unit (perintah logs) untuk mencari program yang menulis terus."),
                _("Pelan: rencanakan kartu yang lebih besar pada kunjungan berikutnya."),
            ),
        ),
        Problem.RECORDS_DROPPED: Entry(
            _(
                "Hub membuang catatan pengukuran karena tempatnya habis: ia terputus terlalu lama,"
                " atau kartunya terlalu kecil."
            ),
            _("Tidak ada. Laporan SLA untuk waktu itu menjadi kurang rinci atau tidak diketahui."),
            (
                _("Pulihkan sambungannya; catatan yang tersisa dikirim sendiri."),
                _("Sering terjadi: kartu yang lebih besar pada kunjungan berikutnya."),
            ),
        ),
        Problem.READ_ONLY: Entry(
            _("Kartu hub tidak menerima tulisan lagi: ia hampir mati."),
            _("Internet masih jalan; surat dan pengaduan baru tidak tersimpan."),
            (
                _("Siapkan kartu baru dan jadwalkan kunjungan minggu ini."),
                _("Jangan mulai ulang hub sebelum kartu pengganti ada: bisa jadi ia tidak hidup lagi."),
                _("Di tempat: ganti kartu, lalu desahub restore dari cadangan terakhir."),
            ),
        ),
        Problem.DISK_WORN: Entry(
            _("Sembilan persepuluh umur kartu sudah terpakai."),
            _("Tidak ada."),
            (_("Bawa kartu baru pada kunjungan berikutnya, paling lama tiga bulan lagi."),),
        ),
    }


def _machine(_: Say) -> dict[Problem, Entry]:
    return {
        Problem.MEMORY_FULL: Entry(
            _("Kurang dari 8 % memori hub yang tersedia."),
            _("Halaman bisa lambat."),
            (
                _("Lihat halaman hub: unit mana yang tumbuh."),
                _("Kirim perintah: mulai ulang unit itu."),
            ),
        ),
        Problem.HOT: Entry(
            _("Suhu prosesor 80 °C atau lebih; hub memperlambat dirinya."),
            _("Internet bisa lambat pada jam ramai."),
            (
                _(
                    "Telepon kontak desa: apakah hub terkena matahari, tertutup, atau berdebu? Minta"
                    " dipindahkan ke tempat teduh."
                ),
                _("Masih panas: kipas atau rumah yang lain pada kunjungan berikutnya."),
            ),
        ),
        Problem.UNIT_FAILED: Entry(
            _("Satu program di hub tidak berjalan; namanya ada di halaman hub."),
            _("Tergantung programnya: portal, layanan desa, atau saringan."),
            (
                _("Kirim perintah: mulai ulang unit itu."),
                _(
                    "Gagal lagi: minta catatannya (perintah logs), dan lihat apakah hub lain dengan"
                    " versi yang sama juga begitu."
                ),
            ),
        ),
        Problem.UNDER_VOLTAGE: Entry(
            _("Catu daya terlalu lemah; hub bisa mati sewaktu-waktu dan kartunya bisa rusak."),
            _("Kadang terputus sebentar."),
            (
                _("Telepon kontak desa: apakah catu daya asli yang dipakai, tanpa kabel sambungan?"),
                _("Bawa catu daya dan kabel pendek pada kunjungan berikutnya."),
            ),
        ),
    }


def _identity(_: Say) -> dict[Problem, Entry]:
    return {
        Problem.TWO_BOXES: Entry(
            _(
                "Dua kotak bergantian tersambung dengan identitas hub ini: kartu SD-nya disalin, atau satu kode klaim"
                " dipakai dua kali. Angka dan catatan keduanya bercampur."
            ),
            _("Di kotak yang benar tidak ada: Wi-Fi dan layanan desa tetap jalan."),
            (
                _("Telepon kontak desa: kotak mana yang benar, dan apakah kartunya pernah disalin?"),
                _("Minta kotak yang lain dimatikan. Tidak tahu di mana? Langkah berikut tetap memisahkannya."),
                _("Di server NOC: sudo desahub-noc hub claim HUB."),
                _("Ketik kode baru itu di kotak yang benar; kotak yang lain tertolak."),
                _("Tulis di catatan kunjungan sejak kapan: data sejak itu tercampur. Tandanya hilang sehari kemudian."),
            ),
        ),
    }


def _portal(_: Say) -> dict[Problem, Entry]:
    return {
        Problem.CERTIFICATE_ENDS: Entry(
            _(
                "Sertifikat portal hub ini segera berakhir dan belum diperbarui. Pembaruan seharusnya sudah terjadi"
                " berminggu-minggu yang lalu."
            ),
            _("Belum ada. Setelah berakhir, portal tetap jalan, tetapi HP tidak lagi membukanya sendiri."),
            (
                _("Di server NOC: sudo desahub-noc portal list. Di belakang hub tertulis apa yang menghalangi."),
                _("Banyak hub sekaligus: penyedia DNS, zona, atau otoritasnya. Lihat docs/noc.md."),
                _("Hub tidak meminta: minta teknisi menjalankan desahub doctor di kotak itu."),
                _("Kotak itu kini memakai sertifikat lain: diamkan peringatan ini sampai yang lama berakhir."),
            ),
        ),
    }
