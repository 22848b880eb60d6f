/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that other programs name: where they name them. Pure. */
#include "home/dirs/claims.h"

#define SYNC	  TIDY_CLAIM_SYNC
#define EXPORT	  TIDY_CLAIM_EXPORT
#define TORRENT	  TIDY_CLAIM_TORRENT
#define UNIT	  TIDY_CLAIM_UNIT
#define REFERENCE TIDY_CLAIM_REFERENCE
#define HOME	  TIDY_CLAIM_IN_HOME
#define CONFIG	  TIDY_CLAIM_IN_CONFIG
#define DATA	  TIDY_CLAIM_IN_DATA
#define STATE	  TIDY_CLAIM_IN_STATE
#define SYSTEM	  TIDY_CLAIM_IN_SYSTEM
#define VALUE	  TIDY_CLAIM_VALUE
#define WORDS	  TIDY_CLAIM_WORDS
#define XML	  TIDY_CLAIM_XML
#define JSON	  TIDY_CLAIM_JSON
#define BENCODE	  TIDY_CLAIM_BENCODE
#define EXPORTS	  TIDY_CLAIM_EXPORTS
#define LINK	  TIDY_CLAIM_LINK

#define QBITTORRENT_KEYS  "*DefaultSavePath|*SavePath|*TempPath|*TorrentExportDirectory"
#define RESUME_KEYS	  "qBt-savePath|save_path|qBt-downloadPath"
#define TRANSMISSION_KEYS "download-dir|incomplete-dir|watch-dir"
#define DELUGE_KEYS	  "download_location|move_completed_path|torrentfiles_location|autoadd_location"
#define FIREFOX_KEYS	  "browser.download.dir"
/* 2: the directory of that setting, which it makes when it is missing. */
#define FIREFOX_NEEDS "\"browser.download.folderList\", 2)"

/* clang-format off */
static const TidyClaimSource sources[] = {
	{ SYNC, "Syncthing", STATE, "syncthing/config.xml", XML, "folder/path" },
	{ SYNC, "Syncthing", CONFIG, "syncthing/config.xml", XML, "folder/path" },
	{ SYNC, "Nextcloud", CONFIG, "Nextcloud/nextcloud.cfg", VALUE, "*\\localPath" },
	{ SYNC, "ownCloud", CONFIG, "ownCloud/owncloud.cfg", VALUE, "*\\localPath" },
	{ SYNC, "Nextcloud", HOME, ".var/app/com.nextcloud.desktopclient.nextcloud/config/Nextcloud/nextcloud.cfg", VALUE, "*\\localPath" },
	{ SYNC, "Dropbox", HOME, ".dropbox/info.json", JSON, "path" },
	{ SYNC, "OneDrive", CONFIG, "onedrive/config", VALUE, "sync_dir" },
	{ SYNC, "OneDrive", CONFIG, "onedrive/accounts/*/config", VALUE, "sync_dir" },
	{ SYNC, "Unison", HOME, ".unison/*.prf", VALUE, "root" },

	{ EXPORT, "NFS", SYSTEM, "etc/exports", EXPORTS, NULL },
	{ EXPORT, "NFS", SYSTEM, "etc/exports.d/*.exports", EXPORTS, NULL },
	{ EXPORT, "Samba", SYSTEM, "etc/samba/smb.conf", VALUE, "path|directory" },
	{ EXPORT, "Samba", SYSTEM, "var/lib/samba/usershares/*", VALUE, "path" },
	{ EXPORT, "Rygel", CONFIG, "rygel.conf", WORDS, "uris" },
	{ EXPORT, "MiniDLNA", SYSTEM, "etc/minidlna.conf", WORDS, "media_dir" },

	{ TORRENT, "qBittorrent", CONFIG, "qBittorrent/qBittorrent.conf", VALUE, QBITTORRENT_KEYS },
	{ TORRENT, "qBittorrent", DATA, "qBittorrent/BT_backup/*.fastresume", BENCODE, RESUME_KEYS },
	{ TORRENT, "qBittorrent", DATA, "data/qBittorrent/BT_backup/*.fastresume", BENCODE, RESUME_KEYS },
	{ TORRENT, "qBittorrent", HOME, ".var/app/org.qbittorrent.qBittorrent/config/qBittorrent/qBittorrent.conf", VALUE, QBITTORRENT_KEYS },
	{ TORRENT, "qBittorrent", HOME, ".var/app/org.qbittorrent.qBittorrent/data/qBittorrent/BT_backup/*.fastresume", BENCODE, RESUME_KEYS },
	{ TORRENT, "Transmission", CONFIG, "transmission/settings.json", JSON, TRANSMISSION_KEYS },
	{ TORRENT, "Transmission", CONFIG, "transmission-daemon/settings.json", JSON, TRANSMISSION_KEYS },
	{ TORRENT, "Transmission", CONFIG, "transmission/resume/*.resume", BENCODE, "destination|incomplete-dir" },
	{ TORRENT, "Transmission", CONFIG, "transmission-daemon/resume/*.resume", BENCODE, "destination|incomplete-dir" },
	{ TORRENT, "Deluge", CONFIG, "deluge/core.conf", JSON, DELUGE_KEYS },
	{ TORRENT, "rTorrent", HOME, ".rtorrent.rc", WORDS, "directory.default.set|directory|session.path.set|session" },
	{ TORRENT, "rTorrent", CONFIG, "rtorrent/rtorrent.rc", WORDS, "directory.default.set|directory|session.path.set|session" },
	{ TORRENT, "KTorrent", CONFIG, "ktorrentrc", VALUE, "saveDir|tempDir|completedDir" },

	{ UNIT, "systemd", CONFIG, "systemd/user/*", WORDS, NULL },
	{ UNIT, "systemd", CONFIG, "systemd/user/*.d/*.conf", WORDS, NULL },
	{ UNIT, "systemd", DATA, "systemd/user/*", WORDS, NULL },
	{ UNIT, "systemd", SYSTEM, "etc/systemd/system/*", WORDS, NULL },
	{ UNIT, "systemd-tmpfiles", CONFIG, "user-tmpfiles.d/*.conf", WORDS, NULL },
	{ UNIT, "autostart", CONFIG, "autostart/*.desktop", WORDS, "Exec|TryExec|Path" },

	{ REFERENCE, "Flatpak", DATA, "flatpak/overrides/*", WORDS, "filesystems" },
	{ REFERENCE, "borgmatic", CONFIG, "borgmatic/config.yaml", WORDS, NULL },
	{ REFERENCE, "borgmatic", CONFIG, "borgmatic.d/*.yaml", WORDS, NULL },
	{ REFERENCE, "borgmatic", SYSTEM, "etc/borgmatic/config.yaml", WORDS, NULL },
	{ REFERENCE, "Firefox", HOME, ".mozilla/firefox/*/prefs.js", JSON, FIREFOX_KEYS, FIREFOX_NEEDS, "lock" },
	{ REFERENCE, "Firefox", CONFIG, "mozilla/firefox/*/prefs.js", JSON, FIREFOX_KEYS, FIREFOX_NEEDS, "lock" },
	{ REFERENCE, "Firefox", HOME, "snap/firefox/common/.mozilla/firefox/*/prefs.js", JSON, FIREFOX_KEYS, FIREFOX_NEEDS, "lock" },
	{ REFERENCE, "Firefox", HOME, ".var/app/org.mozilla.firefox/.mozilla/firefox/*/prefs.js", JSON, FIREFOX_KEYS, FIREFOX_NEEDS, "lock" },
	{ REFERENCE, "Wine", HOME, ".wine/drive_c/users/*/*", LINK, NULL },
	{ REFERENCE, "Proton", DATA, "Steam/steamapps/compatdata/*/pfx/drive_c/users/*/*", LINK, NULL },
};
/* clang-format on */

const TidyClaimSource *
tidy_claim_sources(gsize *n)
{
	*n = G_N_ELEMENTS(sources);
	return sources;
}
