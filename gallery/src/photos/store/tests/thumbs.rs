//! Small pictures of photos.

use super::*;

#[tokio::test]
async fn a_thumbnail_is_made_once_and_again_when_it_is_cut_short() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let jpeg = picture::samples::picture(MediaType::Jpeg, 960, 540);
    add(&store, NewPhoto { content: Content::Bytes(jpeg.into()), ..photo(1, NOON) }).await;
    let path = path(folder.path(), &store.thumb(&id(1)).await.unwrap());
    let thumb = fs::read(&path).unwrap();
    let checked = picture::look(MediaType::Jpeg, &thumb);
    assert_eq!(checked.unwrap().checked.width, 960);
    fs::write(&path, &thumb[..thumb.len() / 2]).unwrap();
    store.thumb(&id(1)).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), thumb);
    add(&store, photo(2, NOON)).await;
    assert!(matches!(store.thumb(&id(2)).await, Err(StoreError::Picture(_))));
    store.delete(&id(1)).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn no_thumbnail_costs_more_than_the_budget() {
    let folder = TempDir::new().unwrap();
    let pictures = pool(picture::Config { memory: 1 << 20, ..Default::default() });
    let store = Store::open(Config { pictures, ..config(folder.path()) }, Arc::default()).unwrap();
    let jpeg = picture::samples::picture(MediaType::Jpeg, 960, 540);
    add(&store, NewPhoto { content: Content::Bytes(jpeg.into()), ..photo(1, NOON) }).await;
    let Err(StoreError::Picture(why)) = store.thumb(&id(1)).await else { panic!("it was made") };
    assert!(why.contains("gallery.pictures.decode_bytes"), "{why}");
}

#[tokio::test]
async fn thumbnails_of_an_earlier_edition_are_removed_and_made_again() {
    let folder = TempDir::new().unwrap();
    let old = folder.path().join("thumbs/2025/11/20");
    fs::create_dir_all(&old).unwrap();
    fs::write(old.join("a.jpg"), "small").unwrap();
    let store = open(folder.path());
    let jpeg = picture::samples::picture(MediaType::Jpeg, 960, 540);
    add(&store, NewPhoto { content: Content::Bytes(jpeg.into()), ..photo(1, NOON) }).await;
    let path = path(folder.path(), &store.thumb(&id(1)).await.unwrap());
    assert!(path.exists());
    for _ in 0..500 {
        if !folder.path().join("thumbs/2025").exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("they are still there");
}
