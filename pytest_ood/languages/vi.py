"""Vietnamese. The marks in numbers are those of CLDR; the articles are those that MLQA ignores."""

from __future__ import annotations

from pytest_ood.languages.counting import END, Counting, words
from pytest_ood.languages.protocol import Announcement, Language
from pytest_ood.languages.scripts import LATIN

_VOWELS = (
    "aàảãáạ",
    "ăằẳẵắặ",
    "âầẩẫấậ",
    "eèẻẽéẹ",
    "êềểễếệ",
    "iìỉĩíị",
    "oòỏõóọ",
    "ôồổỗốộ",
    "ơờởỡớợ",
    "uùủũúụ",
    "ưừửữứự",
    "yỳỷỹýỵ",
)
"""Each vowel without a tone, and with the tones: huyền, hỏi, ngã, sắc, nặng."""

_PLAIN = {"ă": "a", "â": "a", "ê": "e", "ô": "o", "ơ": "o", "ư": "u"}


def _plain_letters() -> dict[str, tuple[str, ...]]:
    """Return the letter without marks for each one with marks."""
    return {
        "đ": ("d",),
        **{
            letter: (_PLAIN.get(row[0], row[0]),)
            for row in _VOWELS
            for letter in row
            if letter not in "aeiouy"
        },
    }


def _variants() -> dict[str, tuple[str, ...]]:
    """Return how letters are also written: plain, without the tone, or hỏi and ngã exchanged.

    Many speakers say these two tones alike.
    """
    variants = _plain_letters()
    for row in _VOWELS:
        if row[0] in _PLAIN:
            for letter in row[1:]:
                variants[letter] += (row[0],)
        variants[row[2]] += (row[3],)
        variants[row[3]] += (row[2],)
    return variants


LANGUAGE = Language(
    code="vi",
    name="Vietnamese",
    script=LATIN,
    alphabet=(
        "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
    ),
    layout="vi",
    articles=r"\b(?:của|là|cái|chiếc|những)\b",
    decimal=",",
    group=".",
    no_answer=(
        "không biết",
        "tôi không biết",
        "tôi không rõ",
        "tôi không chắc",
        "không rõ",
        "chưa rõ",
        "không có câu trả lời",
        "không thể trả lời",
        "câu hỏi không thể trả lời được",
        "không có thông tin",
        "không đủ thông tin",
        "không được đề cập",
        "đoạn văn không đề cập",
        "văn bản không đề cập",
        "không xác định",
    ),
    no_option="Không có đáp án nào ở trên",
    fillers=("ờ", "ừm", "à", "ờm", "kiểu như"),
    interjections=("haha", "hihi", "hehe", "lol", "hí hí"),
    sentences=(
        "Cuộc họp diễn ra vào thứ ba.",
        "Tôi viết dòng này vào một ngày thứ ba.",
        "Tàu khởi hành từ sân ga số bốn.",
        "Văn phòng nằm ở tầng hai.",
        "Đoạn này được viết vào buổi chiều.",
        "Trên bàn có một cái cốc.",
        "Chùm chìa khóa nằm trên kệ.",
        "Trạm xe buýt ở góc phố.",
        "Cửa sổ nhìn ra sân.",
        "Đèn trong bếp đang sáng.",
    ),
    abbreviations={
        "vân vân": ("v.v.",),
        "trước công nguyên": ("TCN",),
        "ủy ban nhân dân": ("UBND",),
        "hội đồng nhân dân": ("HĐND",),
        "trung học phổ thông": ("THPT",),
        "trung học cơ sở": ("THCS",),
        "công nghệ thông tin": ("CNTT",),
        "bảo hiểm y tế": ("BHYT",),
        "bảo hiểm xã hội": ("BHXH",),
        "xã hội chủ nghĩa": ("XHCN",),
    },
    messages={
        "không": ("ko", "k", "hông", "khum"),
        "được": ("đc", "dc"),
        "biết": ("bít", "bik"),
        "rồi": ("rùi", "r"),
        "gì": ("j",),
        "vậy": ("v", "zậy"),
        "với": ("vs",),
        "nhiều": ("nhìu",),
        "người": ("ng", "ngừi"),
        "cũng": ("cx", "cũg"),
        "bây giờ": ("bi giờ", "bh"),
        "yêu": ("iu",),
        "mình": ("mik", "mk"),
        "vợ": ("vk",),
        "chồng": ("ck",),
        "bạn": ("bn",),
        "thôi": ("thui",),
        "tôi": ("tui",),
        "luôn": ("lun",),
        "hôm nay": ("hnay", "hum nay"),
        "hôm qua": ("hqua",),
        "điện thoại": ("đt",),
        "tin nhắn": ("tn",),
        "trả lời": ("rep", "tl"),
        "cảm ơn": ("cám ơn", "tks"),
        "trước": ("trc",),
        "nữa": ("nx",),
        "muốn": ("mún",),
        "buồn": ("bùn",),
        "gia đình": ("gđ",),
        "làm": ("lm",),
    },
    homophones={
        "sử dụng": ("xử dụng",),
        "chia sẻ": ("chia xẻ", "chia sẽ"),
        "sắp xếp": ("sắp sếp", "xắp xếp"),
        "xuất sắc": ("suất sắc", "xuất xắc"),
        "bổ sung": ("bổ xung",),
        "súc tích": ("xúc tích",),
        "xán lạn": ("sáng lạn", "sáng lạng"),
        "trân trọng": ("chân trọng",),
        "chân thành": ("trân thành",),
        "trau chuốt": ("chau chuốt",),
        "câu chuyện": ("câu truyện",),
        "trò chuyện": ("trò truyện",),
        "dành": ("giành",),
        "giành": ("dành",),
        "dữ liệu": ("giữ liệu",),
        "giữ": ("dữ",),
        "xử lý": ("sử lý",),
        "xoay xở": ("xoay sở",),
        "sơ suất": ("sơ xuất",),
        "vô hình trung": ("vô hình chung",),
        "chín muồi": ("chín mùi",),
        "tham quan": ("thăm quan",),
        "rốt cuộc": ("rốt cục",),
        "nghĩ": ("nghỉ",),
        "nghỉ": ("nghĩ",),
        "sẽ": ("sẻ",),
        "cũng": ("củng",),
        "những": ("nhửng",),
        "đã": ("đả",),
        "rõ": ("rỏ",),
        "vẫn": ("vẩn",),
        "kỹ thuật": ("kĩ thuật", "kỷ thuật"),
        "bác sĩ": ("bác sỹ",),
        "lý do": ("lí do",),
    },
    variants={
        **_variants(),
        # The tone on the second vowel, where both spellings are in use.
        "òa": ("oà",),
        "óa": ("oá",),
        "ỏa": ("oả",),
        "õa": ("oã",),
        "ọa": ("oạ",),
        "óe": ("oé",),
        "ỏe": ("oẻ",),
        "ùy": ("uỳ",),
        "úy": ("uý",),
        "ủy": ("uỷ",),
        "ũy": ("uỹ",),
        "ụy": ("uỵ",),
    },
    transliteration=_plain_letters(),
    code_mixed={
        "cuộc họp": ("meeting",),
        "hạn chót": ("deadline",),
        "phản hồi": ("feedback",),
        "nhóm": ("team",),
        "dự án": ("project",),
        "khách hàng": ("customer",),
        "ngân sách": ("budget",),
        "công ty": ("company",),
        "văn phòng": ("office",),
        "bài thuyết trình": ("presentation",),
        "cuối tuần": ("weekend",),
        "bài hát": ("song",),
        "bộ phim": ("movie",),
        "trò chơi": ("game",),
        "máy tính": ("computer",),
        "điện thoại": ("phone",),
        "mật khẩu": ("password",),
        "màn hình": ("screen",),
        "giáo viên": ("teacher",),
        "tập tin": ("file",),
        "âm nhạc": ("music",),
        "bữa sáng": ("breakfast",),
    },
    announcement=Announcement(
        "(?:câu trả lời|đáp án|đáp số)(?: (?:cuối cùng|đúng))?", r"\b(?:là|bằng)\b", minus="âm"
    ),
    powers_of_ten={3: "nghìn|ngàn", 6: "triệu", 9: "tỷ|tỉ"},
    counting=Counting(
        codes=("vi",),
        before=words(
            "và hoặc nhưng có với trong khoảng hơn gần chỉ cả những các đã còn được mua xem đọc "
            "mất sau trước cho"
        ),
        counters=rf"[ ](?:người|ngày|tuần|giờ|phút|giây|lần|con|cái|chiếc|cuốn|quyển|bộ){END}",
        homographs=words("năm ba chín"),
        parts=("tư", "mốt", "lăm", "nhăm", "linh", "lẻ", "rưỡi", "chục", "mươi", "ngàn", "vạn"),
    ),
)
