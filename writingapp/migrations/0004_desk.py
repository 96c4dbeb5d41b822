from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("writingapp", "0003_feedback")]

    operations = [
        migrations.AddField(model_name="pair", name="held", field=models.CharField(blank=True, max_length=40)),
    ]
