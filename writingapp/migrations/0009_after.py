import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("writingapp", "0008_shadow"),
    ]

    operations = [
        migrations.AddField(
            model_name="inspiration",
            name="after",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="writingapp.inspiration",
            ),
        ),
    ]
